import { describe, expect, test } from "vitest";
import type { CurrentDot1x, Dot1xRenewal, NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { NETWORK_ALARM, RENEWAL_ALARM } from "./network-change.ts";
import { DEFAULT_NETWORK_POLICY } from "./network-change-deps.ts";
import { machine, NetworkBench, type Machine } from "./testing/network-bench.ts";

const { askAgainMs, retry } = DEFAULT_NETWORK_POLICY;
const REFUSED: Result<void> = fail("network.dot1x-refused", "eth0 is not let in");

/** A cable with 802.1X whose certificate's folder has `inFolder`; only `accepted` lets the device in. */
class Cable {
  inUse = "old";
  kept = "old";
  inFolder: Result<string> = ok("old");
  accepted = ["old", "new"];
  readonly applied: string[] = [];

  settings(port: NetworkSettings): NetworkSettings {
    const now = (): CurrentDot1x => ({ method: "tls", identity: "player-7", certificate: "shop", version: this.inUse });
    const renewals = (): Dot1xRenewal[] => (this.inFolder.ok && this.inFolder.value === this.kept ? [] : [{ interface: "eth0", certificate: "shop", found: this.inFolder }]);
    return {
      ...port,
      current: () => Promise.resolve(seen({ interfaces: { eth0: { method: "dhcp" } }, dot1x: { eth0: now() } }, 0)),
      checkpoint: () => Promise.resolve(ok({ version: this.inUse })),
      apply: ({ renew }) => {
        if (renew === undefined || !this.inFolder.ok) throw new Error("only the renewal is applied here");
        this.inUse = this.inFolder.value;
        this.applied.push(`${renew.join()} ${this.inUse}`);
        return Promise.resolve(this.accepted.includes(this.inUse) ? ok(undefined) : REFUSED);
      },
      restore: ({ version }) => {
        if (typeof version !== "string") throw new Error("this is no checkpoint of the cable");
        this.inUse = version;
        return Promise.resolve(ok(undefined));
      },
      keep: () => {
        this.kept = this.inUse;
        return Promise.resolve(ok(undefined));
      },
      dot1x: { access: () => Promise.reject(new Error("not asked for")), renewals: () => Promise.resolve(seen(renewals(), 0)), askAgain: () => Promise.resolve(ok(undefined)) },
    };
  }
}

async function begin(of: Machine = machine(), cable = new Cable()) {
  const bench = await NetworkBench.start(of, { settings: (port) => cable.settings(port) });
  return { bench, cable, of };
}

describe("replaced files of a certificate", () => {
  test("are tried within minutes, confirmed by a new session, and kept; the digest of what the owner wants stays", async () => {
    const { bench, cable } = await begin();
    await bench.advance(3 * askAgainMs);
    expect(cable.applied).toEqual([]);
    const sessions = bench.cloud.peers.length;
    cable.inFolder = ok("new");
    await bench.advance(askAgainMs + 10_000);
    expect([cable.applied, cable.kept, bench.alarms.size, bench.online()]).toEqual([["eth0 new"], "new", 0, true]);
    expect(bench.cloud.peers.length).toBe(sessions + 1);
    await bench.advance(5 * askAgainMs);
    expect(cable.applied).toHaveLength(1);
    await bench.end();
  });

  test("that the network refuses are undone, told by an alarm of their own, and tried again after the delay of any change, other files at once", async () => {
    const { bench, cable } = await begin();
    cable.inFolder = ok("bad");
    await bench.advance(2 * askAgainMs);
    expect([cable.applied, cable.inUse, cable.kept]).toEqual([["eth0 bad"], "old", "old"]);
    expect([[...bench.alarms.keys()], bench.alarms.get(RENEWAL_ALARM)]).toEqual([[RENEWAL_ALARM], expect.stringContaining("eth0 is not let in")]);
    await bench.advance(retry.firstMs + askAgainMs);
    expect(cable.applied.length).toBe(2);
    cable.inFolder = ok("new");
    await bench.advance(askAgainMs + 10_000);
    expect([cable.applied.at(-1), cable.kept, bench.alarms.size]).toEqual(["eth0 new", "new", 0]);
    await bench.end();
  });

  test("that cannot be used are told and nothing is tried; put back, nothing is left to say", async () => {
    const { bench, cable } = await begin();
    cable.inFolder = fail("network.certificate-key-mismatch", "key.pem is not the key of certificate.pem");
    await bench.advance(2 * askAgainMs);
    expect([cable.applied, bench.alarms.get(RENEWAL_ALARM)]).toEqual([[], expect.stringContaining("key.pem is not the key")]);
    cable.inFolder = ok("old");
    await bench.advance(askAgainMs + 1_000);
    expect(bench.alarms.size).toBe(0);
    await bench.end();
  });

  test("whose trial a power cut ended are not in use at the next start, which says so and tries them later", async () => {
    const of = machine();
    const { bench, cable } = await begin(of);
    cable.inFolder = ok("bad");
    cable.accepted = ["old", "bad"];
    of.world.apply({ action: "network.cut" });
    await bench.advance(askAgainMs);
    expect([bench.change.state().kind, cable.inUse]).toEqual(["trying", "bad"]);
    await bench.end();
    of.world.apply({ action: "network.restore" });
    const again = await begin(of, cable);
    expect([again.bench.change.state().kind, cable.inUse, [...again.bench.alarms.keys()]]).toEqual(["settled", "old", [RENEWAL_ALARM]]);
    await again.bench.advance(askAgainMs);
    expect(cable.applied).toHaveLength(1);
    await again.bench.advance(retry.firstMs + askAgainMs);
    expect([cable.kept, again.bench.alarms.size]).toEqual(["bad", 0]);
    await again.bench.end();
    expect(again.bench.alarms.has(NETWORK_ALARM)).toBe(false);
  });

  test("wait while another part of the way to the cloud is changed", async () => {
    const { bench, cable } = await begin();
    const release = bench.way.take("cloud");
    cable.inFolder = ok("new");
    await bench.advance(3 * askAgainMs);
    expect(cable.applied).toEqual([]);
    release?.();
    await bench.advance(askAgainMs + 10_000);
    expect(cable.kept).toBe("new");
    await bench.end();
  });
});
