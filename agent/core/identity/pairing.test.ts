import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { LinkStatus, RefusalReason } from "../cloud/cloud-port.ts";
import { failedStep } from "./connection-sentence.ts";
import { Pairing, type PairingView } from "./pairing.ts";
import { foreignCode } from "../../../platform/ports/result.ts";
import type { Code } from "../../../platform/ports/codes.ts";

const offline: LinkStatus = { kind: "offline", sinceMs: 0 };
const online: LinkStatus = { kind: "online", endpoint: "wss://cloud.test/", session: "s", sinceMs: 0 };
const message = { t: "pairing", code: "ABC234", expiresInMs: 600_000, claimUrl: "https://cloud.test/claim?code=ABC234" } as const;

describe("the pairing code on the screen", () => {
  test("appears, is replaced, and expires by the monotonic clock, whatever the wall clock does", async () => {
    const time = new VirtualTime();
    const pairing = new Pairing({ clock: time, timers: time, log: silentLog, deviceId: "d", link: offline });
    const seen: PairingView[] = [];
    pairing.onChange((view) => seen.push(view));
    expect(pairing.view()).toEqual({ deviceId: "d", status: "Not connected yet." });
    pairing.linkChanged(online);
    pairing.received(message);
    expect(pairing.view()).toMatchObject({ code: "ABC234", claimUrl: message.claimUrl });
    await time.advance(300_000);
    time.stepWall(10 * 365 * 86_400_000);
    pairing.received({ ...message, code: "XYZ789" });
    await time.advance(599_999);
    expect(pairing.view().code).toBe("XYZ789");
    await time.advance(1);
    expect(pairing.view().code).toBeUndefined();
    expect(seen.map((view) => view.code)).toEqual([undefined, "ABC234", "XYZ789", undefined]);
    pairing.received(message);
    pairing.claimed();
    expect(pairing.view().code).toBeUndefined();
    expect(time.pending()).toEqual([]);
  });

  test("comes with a sentence that says which step of connecting failed", () => {
    const time = new VirtualTime();
    const pairing = new Pairing({ clock: time, timers: time, log: silentLog, deviceId: "d", link: offline });
    const sentence = (code: Code, text = "why", refusal?: RefusalReason): string => {
      pairing.linkChanged({ ...offline, lastError: { code, message: text, ...(refusal && { refusal }) } });
      return pairing.view().status;
    };
    expect(sentence("link.dns")).toContain("cannot be looked up");
    expect(sentence("link.refused")).toContain("nothing answers");
    expect(sentence("link.tls")).toContain("certificate");
    expect(sentence("link.clock")).toContain("clock is wrong");
    expect(sentence("link.proxy")).toContain("proxy");
    expect(sentence("link.http-503", "the server answered HTTP 503")).toContain("HTTP 503 (link.http-503)");
    expect(sentence("link.http-403", "the server answered HTTP 403", "not-authorised")).toBe("The server was reached but does not let this screen in: the server answered HTTP 403 (link.http-403).");
    expect(sentence(foreignCode("refused.blocked"), "this device is blocked")).toContain("this device is blocked (refused.blocked)");
    expect(sentence("owner.key-mismatch")).toContain("does not accept the cloud");
    // Codes come from a server, so names that every object inherits must not be found.
    expect(failedStep({ code: foreignCode("constructor"), message: "hm" })).toBe("The connection failed: hm (constructor).");
    pairing.linkChanged({ kind: "connecting", endpoint: "wss://cloud.test/x", sinceMs: 0 });
    expect(pairing.view().status).toBe("Connecting to cloud.test …");
    pairing.linkChanged({ kind: "connecting", endpoint: "nonsense", sinceMs: 0 });
    expect(pairing.view().status).toContain("nonsense");
  });
});
