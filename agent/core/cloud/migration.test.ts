import { beforeAll, describe, expect, test } from "vitest";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { ok } from "../../../platform/ports/result.ts";
import { DesiredState } from "../state/desired-state.ts";
import { endpointsKey } from "../state/keys/setting-keys.ts";
import { ManualOverrides } from "../state/manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "../state/testing/fakes.ts";
import { Ownership } from "../identity/ownership.ts";
import { testOwner, type TestOwner } from "../identity/testing/test-owner.ts";
import type { LinkStatus } from "./cloud-port.ts";
import { DEFAULT_MIGRATION_POLICY, Migration } from "./migration.ts";
import { migrationTarget } from "./migration-target.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { welcomeOf } from "./testing/scripted-transport.ts";

const OLD = ["wss://old.test/device"];
const NEW = ["wss://new.test/device", "wss://new-2.test/device"];
const deviceId = "0123456789abcdef0123456789abcdef";
let first: TestOwner;
let second: TestOwner;
beforeAll(async () => {
  first = await testOwner("first");
  second = await testOwner("second");
});

class PowerCut extends Error {}

/** Ignores the error of the power cut; anything else is a bug. */
function onlyTheCut(thrown: unknown): void {
  if (!(thrown instanceof PowerCut)) throw thrown;
}

/** One run of a device. Only its disk is kept from one run to the next. */
class Device {
  readonly time: VirtualTime;
  readonly documents: MemoryDocumentStore;
  readonly alarms: ReadonlySet<string>;
  /** Every list of endpoints given to the link. */
  readonly dialed: (readonly string[])[] = [];
  status: LinkStatus = { kind: "online", endpoint: OLD[0] ?? "", session: "s", sinceMs: 0 };
  readonly ownership: Ownership;
  readonly migration: Migration;

  private constructor(time: VirtualTime, alarms: ReadonlySet<string>, documents: MemoryDocumentStore, ownership: Ownership, migration: Migration) {
    this.time = time;
    this.alarms = alarms;
    this.documents = documents;
    this.ownership = ownership;
    this.migration = migration;
  }

  static async boot(disk: Map<string, string>, configured: readonly string[] = OLD): Promise<Device> {
    const documents = new MemoryDocumentStore({ disk });
    const ownership = await Ownership.load({ documents, crypto: nodeCrypto, deviceId, log: silentLog });
    const time = new VirtualTime();
    const alarms = new Set<string>();
    const migration = await Migration.load({
      documents, ownership, clock: time, timers: time, random: new SeededRandom(1), log: silentLog, policy: DEFAULT_MIGRATION_POLICY, configured,
      alarms: { raise: (code) => void alarms.add(code), clear: (code) => void alarms.delete(code), active: () => new Map() },
    });
    const device = new Device(time, alarms, documents, ownership, migration);
    migration.attach({ status: () => device.status, setEndpoints: (urls) => void device.dialed.push(urls) });
    return device;
  }

  /** Delivers the welcome of the cloud at `endpoint`. */
  welcome(endpoint: string, owner: Parameters<Migration["acceptOwner"]>[0]): ReturnType<Migration["acceptOwner"]> {
    return this.migration.acceptOwner(owner, welcomeOf("s", { owner }), endpoint);
  }
}

async function claimedDisk(): Promise<Map<string, string>> {
  const disk = new Map<string, string>();
  const device = await Device.boot(disk);
  await device.welcome(OLD[0] ?? "", first.claimed());
  return disk;
}

describe("moving to another cloud", () => {
  test("in plain text to another machine is not tried, and such stored endpoints are not dialed", async () => {
    const device = await Device.boot(await claimedDisk());
    const plain = ["wss://new.test/device", "ws://10.0.0.5/device"];
    expect(await device.migration.apply(plain)).toMatchObject({ status: "failed", error: { code: "link.plain-refused" }, observed: OLD });
    expect(device.dialed).toEqual([]);
    const disk = new Map([["cloud.endpoints", JSON.stringify({ committed: plain, configured: OLD })]]);
    expect((await Device.boot(disk)).migration.endpoints()).toEqual(OLD);
  });

  test("is tried, welcomed by the same owner, and committed", async () => {
    const device = await Device.boot(await claimedDisk());
    const result = device.migration.apply(NEW);
    const joined = device.migration.apply(NEW);
    await device.time.advance(0);
    expect(device.dialed).toEqual([NEW]);
    expect(await device.migration.apply(["wss://third.test/"])).toMatchObject({ status: "pending", error: { code: "cloud.migration-busy" } });
    expect((await device.welcome(NEW[1] ?? "", first.claimed())).ok).toBe(true);
    expect(await result).toEqual({ status: "applied", observed: NEW });
    expect(await joined).toEqual({ status: "applied", observed: NEW });
    expect(device.time.pending()).toEqual([]);
    expect((await Device.boot(device.documents.disk)).migration.endpoints()).toEqual(NEW);
    expect(await device.migration.apply(NEW)).toMatchObject({ status: "applied" });
    expect(device.dialed).toEqual([NEW]);
  });

  test("to a cloud without the owner or with another fails: the device returns in time, reports it, and does not retry at once", async () => {
    const device = await Device.boot(await claimedDisk());
    const result = device.migration.apply(NEW);
    await device.time.advance(0);
    expect(await device.welcome(NEW[0] ?? "", { kind: "unclaimed" })).toMatchObject({ ok: false, error: { code: "owner.unknown-there" } });
    expect(await device.welcome(NEW[0] ?? "", second.claimed())).toMatchObject({ ok: false, error: { code: "owner.key-mismatch" } });
    device.status = { kind: "offline", sinceMs: 0, lastError: { code: "link.dns", message: "no such name" } };
    await device.time.advance(DEFAULT_MIGRATION_POLICY.trialMs - 1);
    expect(device.dialed).toEqual([NEW]);
    await device.time.advance(1);
    expect(device.dialed).toEqual([NEW, OLD]);
    const error = { code: "cloud.migration-failed", message: expect.stringContaining("link.dns") as string };
    expect(await result).toMatchObject({ status: "failed", observed: OLD, error });
    expect([...device.alarms]).toEqual(["cloud.migration-failed"]);
    expect(await device.migration.apply(NEW)).toMatchObject({ status: "failed" });
    expect(device.dialed).toHaveLength(2);
    expect((await device.welcome(OLD[0] ?? "", first.claimed())).ok).toBe(true);
    await device.time.advance(DEFAULT_MIGRATION_POLICY.retry.firstMs);
    const again = device.migration.apply(NEW);
    await device.time.advance(0);
    expect(device.dialed).toEqual([NEW, OLD, NEW]);
    await device.welcome(NEW[0] ?? "", first.claimed());
    expect((await again).status).toBe("applied");
    expect([...device.alarms]).toEqual([]);
  });

  test.each([
    ["leaves the document", {}],
    ["becomes the endpoints in force", { cloud: { endpoints: OLD } }],
  ])("the alarm about failed endpoints ends when the key %s", async (_how, document) => {
    const device = await Device.boot(await claimedDisk());
    const { time } = device;
    const store = new MemoryDocumentStore();
    const state = await DesiredState.load({
      deviceId, verify: (signed) => Promise.resolve(ok(signed.payload)), store, overrides: await ManualOverrides.load({ store, clock: time, log: silentLog }),
      reporter: new FakeReporter(), alarms: new FakeAlarms(), handlers: [endpointsKey(migrationTarget(device.migration, time))],
      clock: time, timers: time, random: new SeededRandom(2), log: silentLog,
    });
    const stop = new AbortController();
    const running = state.run(stop.signal);
    const want = (version: number, wanted: object) => state.accept({ payload: JSON.stringify({ device: deviceId, version, issuedMs: 0, document: wanted }), key: deviceId, signature: "" });
    await want(1, { cloud: { endpoints: NEW } });
    await time.advance(DEFAULT_MIGRATION_POLICY.trialMs + 1_000);
    expect([device.dialed, [...device.alarms]]).toEqual([[NEW, OLD], ["cloud.migration-failed"]]);
    await want(2, document);
    await time.advance(1_000);
    expect([...device.alarms]).toEqual([]);
    stop.abort();
    await time.settled(running);
  });

  test("to endpoints that the current session already proves needs no trial", async () => {
    const device = await Device.boot(await claimedDisk());
    const wider = [NEW[0] ?? "", OLD[0] ?? ""];
    expect(await device.migration.apply(wider)).toEqual({ status: "applied", observed: wider });
    expect(device.dialed).toEqual([wider]);
  });

  test("is not tried when the disk refuses, and is reverted when the disk fails midway", async () => {
    const device = await Device.boot(await claimedDisk());
    device.documents.failWith = "storage.read-only";
    expect(await device.migration.apply(NEW)).toMatchObject({ status: "failed", error: { code: "cloud.migration-not-stored" } });
    expect(device.dialed).toEqual([]);
    device.documents.failWith = undefined;
    const result = device.migration.apply(NEW);
    await device.time.advance(0);
    device.documents.failWith = "storage.full";
    const endorsed = second.claimed({ endorsement: await first.endorse(deviceId, second) });
    expect(await device.welcome(NEW[0] ?? "", endorsed)).toMatchObject({ ok: false, error: { code: "owner.not-stored" } });
    await device.time.advance(DEFAULT_MIGRATION_POLICY.trialMs);
    expect((await result).status).toBe("failed");
    expect(device.dialed).toEqual([NEW, OLD]);
    expect(device.ownership.owner()?.fingerprint).toBe(first.fingerprint);
  });

  test("is overruled by a configuration that was changed since", async () => {
    const device = await Device.boot(await claimedDisk());
    const result = device.migration.apply(NEW);
    await device.time.advance(0);
    await device.welcome(NEW[0] ?? "", first.claimed());
    await result;
    expect((await Device.boot(device.documents.disk)).migration.endpoints()).toEqual(NEW);
    expect((await Device.boot(device.documents.disk, ["wss://by-hand.test/"])).migration.endpoints()).toEqual(["wss://by-hand.test/"]);
    device.documents.disk.set("cloud.endpoints", "torn");
    expect((await Device.boot(device.documents.disk)).migration.endpoints()).toEqual(NEW);
    for (const damaged of ['{"committed":"nonsense"}', "torn"]) {
      for (const key of ["cloud.endpoints", "cloud.endpoints.copy"]) device.documents.disk.set(key, damaged);
      expect((await Device.boot(device.documents.disk)).migration.endpoints()).toEqual(OLD);
    }
  });

  test.each([
    [true, "cloud.migration-interrupted", 3],
    [false, "link.dns", 2],
  ])("a trial stored by an earlier version (open: %s) can be read", async (open, code, failures) => {
    const tried = { endpoints: NEW, failures: 2, open, ...(open ? {} : { code, message: "no such name" }) };
    const device = await Device.boot(new Map([["cloud.endpoints", JSON.stringify({ committed: OLD, configured: OLD, tried })]]));
    expect(device.migration.endpoints()).toEqual(OLD);
    expect(device.migration.state()).toMatchObject({ kind: "settled", failure: { wanted: NEW, failures, error: { code } } });
    expect([...device.alarms]).toEqual(["cloud.migration-failed"]);
  });

  test("survives a power cut before or after every write: the device ends at one cloud that knows its owner", async () => {
    const endorsed = second.claimed({ endorsement: await first.endorse(deviceId, second) });
    const ends = new Map<string, number>();
    const told = new Set<string>();
    for (const arrives of [true, false]) {
      for (const when of ["before", "after"] as const) {
        for (let write = 1; write <= 4; write += 1) {
          const device = await Device.boot(await claimedDisk());
          const cut = (n: number): void => {
            if (n >= write) throw new PowerCut();
          };
          if (when === "before") device.documents.beforePut = cut;
          else device.documents.afterPut = cut;
          device.migration.apply(NEW).catch(onlyTheCut);
          await device.time.advance(0);
          if (arrives && device.dialed.length > 0) await device.welcome(NEW[0] ?? "", endorsed).catch(onlyTheCut);
          if (!arrives) await device.time.advance(DEFAULT_MIGRATION_POLICY.trialMs);
          // After the power cut, pending calls never return.
          const reborn = await Device.boot(device.documents.disk);
          const at = reborn.migration.endpoints();
          const owner = reborn.ownership.owner()?.fingerprint;
          expect([[OLD, first.fingerprint], [NEW, second.fingerprint]]).toContainEqual([at, owner]);
          const welcomed = at[0] === OLD[0] ? first.claimed() : second.claimed();
          expect((await reborn.welcome(at[0] ?? "", welcomed)).ok).toBe(true);
          ends.set(at[0] ?? "", (ends.get(at[0] ?? "") ?? 0) + 1);
          const stored = reborn.migration.state();
          told.add(stored.kind === "settled" ? (stored.failure?.error.code ?? "nothing") : "trying");
        }
      }
    }
    // Both outcomes occurred, so the loop above tested something.
    expect([...ends.keys()].sort()).toEqual([NEW[0], OLD[0]]);
    expect([...told].sort()).toEqual(["cloud.migration-failed", "cloud.migration-interrupted", "nothing"]);
  });

  test("lets a commit under way finish when the deadline passes", async () => {
    const device = await Device.boot(await claimedDisk());
    const result = device.migration.apply(NEW);
    await device.time.advance(0);
    let release: () => void = () => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const put = device.documents.put.bind(device.documents);
    device.documents.put = async (values) => {
      await slow;
      return put(values);
    };
    const accepted = device.welcome(NEW[0] ?? "", first.claimed());
    await device.time.advance(DEFAULT_MIGRATION_POLICY.trialMs + 1);
    expect(device.dialed).toEqual([NEW]);
    release();
    expect((await accepted).ok).toBe(true);
    expect(await result).toMatchObject({ status: "applied", observed: NEW });
    expect((await Device.boot(device.documents.disk)).migration.endpoints()).toEqual(NEW);
  });
});
