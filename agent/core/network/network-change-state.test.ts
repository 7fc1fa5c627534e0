import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { Network } from "../../protocol/network-settings.ts";
import { networkAfterStart, type NetworkChangeState, networkDocumentOf, type NetworkFacts, type NetworkTrial, planNetworkChange, proxyOf, readNetworkDocument } from "./network-change-state.ts";
import { agrees, hidesNothing, shownCurrent, withoutSecrets } from "./network-view.ts";
import type { TrialFailure } from "../cloud/trial.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const base = { salt: "0".repeat(32), configured: "c".repeat(64) };
const facts = (over: Partial<NetworkFacts> = {}): NetworkFacts => ({ digest: A, agrees: false, hidesNothing: true, offlineRetryMs: 100, nowMs: 1_000, ...over });
const failure: TrialFailure<NetworkTrial> = { wanted: { digest: A }, error: { code: "network.change-failed", message: "no" }, failures: 2, failedMs: 900, notBeforeMs: 5_000 };

describe("the plan for wanted settings", () => {
  const settled = (over: object = {}) => ({ kind: "settled", committed: {}, ...over }) as const;
  test.each<[string, ReturnType<typeof settled>, NetworkFacts, object]>([
    ["never tried", settled(), facts(), { kind: "try", failures: 0 }],
    ["confirmed and observed", settled({ committed: { digest: A } }), facts({ agrees: true, hidesNothing: false }), { kind: "settled" }],
    ["confirmed, but no longer in force", settled({ committed: { digest: A } }), facts(), { kind: "try", failures: 0 }],
    ["observed, without secrets", settled(), facts({ agrees: true }), { kind: "commit" }],
    ["observed, with a password", settled(), facts({ agrees: true, hidesNothing: false }), { kind: "try", failures: 0 }],
    ["failed recently", settled({ failure }), facts(), { kind: "failed", failure }],
    ["failed, the back-off over", settled({ failure }), facts({ nowMs: 5_000 }), { kind: "try", failures: 2 }],
    ["other settings failed", settled({ failure }), facts({ digest: B }), { kind: "try", failures: 0 }],
    ["failed, offline for a long time", settled({ failure }), facts({ offlineSinceMs: 0 }), { kind: "try", failures: 2 }],
    ["failed, offline just now", settled({ failure }), facts({ offlineSinceMs: 950 }), { kind: "failed", failure }],
  ])("%s", (_what, state, now, plan) => {
    expect(planNetworkChange(state, now)).toEqual(plan);
  });
});

describe("after a restart", () => {
  const again = (state: NetworkChangeState, configured = base.configured) =>
    networkAfterStart(readNetworkDocument(JSON.parse(JSON.stringify(networkDocumentOf(state, base))) as JsonObject), configured, 7, (failures) => failures * 10);

  test("an interrupted trial has failed and is to be reverted, and so is one that was being reverted", () => {
    const trial = { wanted: { digest: A, proxy: "http://p:1", point: { x: 1 } }, failures: 3 };
    const lost = { kind: "reverting", committed: { digest: B }, wanted: { digest: A, point: { x: 1 } }, failures: 3, error: { code: "network.change-interrupted" } };
    expect(again({ kind: "trying", committed: { digest: B }, ...trial })).toMatchObject(lost);
    expect(again({ kind: "reverting", committed: { digest: B }, ...trial, error: failure.error })).toMatchObject(lost);
    expect(proxyOf(again({ kind: "trying", committed: {}, ...trial }))).toBeUndefined();
  });

  test("confirmed, kept and failed settings are known; a changed configuration overrides the proxy", () => {
    const state: NetworkChangeState = { kind: "settled", committed: { digest: A, proxy: null, unkept: { x: 1 } }, failure };
    expect(again(state)).toEqual({ ...state, failure: { ...failure, failedMs: 7, notBeforeMs: 27 } });
    expect(again(state, "d".repeat(64))).toMatchObject({ committed: { digest: A } });
    expect(proxyOf(again(state, "d".repeat(64)))).toBeUndefined();
  });

  test("a trial and a failure stored by an earlier version can be read", () => {
    const stored = { ...base, committed: { digest: B, proxy: null }, unkept: { x: 1 }, tried: { digest: A, failures: 2, proxy: "http://p:1", point: { y: 2 }, open: true } };
    const committed = { digest: B, proxy: null, unkept: { x: 1 } };
    expect(networkAfterStart(readNetworkDocument(stored), base.configured, 7, () => 0)).toMatchObject({ kind: "reverting", committed, wanted: { digest: A, point: { y: 2 } }, failures: 2 });
    const closed = { ...stored, tried: { digest: A, failures: 2, open: false, code: "link.dns", message: "no" } };
    expect(networkAfterStart(readNetworkDocument(closed), base.configured, 7, () => 5)).toEqual({
      kind: "settled", committed, failure: { wanted: { digest: A }, error: { code: "link.dns", message: "no" }, failures: 2, failedMs: 7, notBeforeMs: 12 },
    });
  });

  test.each([[undefined], [{}], [{ ...base, committed: { digest: "short" } }], [{ ...base, committed: {}, tried: { digest: A } }]])("%j on disk counts as nothing", (stored) => {
    expect(networkAfterStart(readNetworkDocument(stored as never), base.configured, 0, () => 0)).toEqual({ kind: "settled", committed: {} });
  });
});

describe("the shown settings", () => {
  const wifi = { ssid: "Shop", security: "wpa-psk", password: "very secret" } as const;
  test("agree with the wanted ones apart from secrets, which they do not contain", () => {
    const shown = shownCurrent({ interfaces: { eth0: { method: "dhcp" } }, wifi }, "http://me:word@proxy.test:1");
    expect(JSON.stringify(shown)).not.toMatch(/very secret|word/);
    expect(agrees({ wifi, proxy: "http://you:other@proxy.test:1", interfaces: { eth0: { method: "dhcp" } } }, shown)).toBe(true);
    const others: Network[] = [{ wifi: { ...wifi, ssid: "Else" } }, { proxy: null }, { interfaces: { eth1: { method: "dhcp" as const } } }, { interfaces: { constructor: { method: "dhcp" as const } } }];
    for (const other of others) expect(agrees(other, shown)).toBe(false);
    expect([hidesNothing({ wifi }), hidesNothing({ proxy: "http://me:word@p:1" }), hidesNothing({ proxy: "http://p:1" })]).toEqual([false, false, true]);
  });

  test("802.1X agrees in all that is not secret, and null with none; its certificate is shown with its last day", () => {
    const access = { method: "peap", identity: "player-8", certificate: "site", password: "eap secret" } as const;
    const current = { method: "peap", identity: "player-8", certificate: "site" } as const;
    const shown = shownCurrent({ interfaces: {}, dot1x: { eth0: current } }, undefined);
    expect(agrees({ dot1x: { eth0: access } }, shown)).toBe(true);
    const others: Network[] = [{ dot1x: { eth0: null } }, { dot1x: { eth1: access } }, { dot1x: { eth0: { ...access, identity: "other" } } }, { dot1x: { eth0: { ...access, serverName: "radius.example" } } }, { dot1x: { eth0: { method: "tls", identity: "player-8", certificate: "site" } } }];
    for (const other of others) expect(agrees(other, shown), JSON.stringify(other)).toBe(false);
    expect(agrees({ dot1x: { eth0: null } }, shownCurrent({ interfaces: {} }, undefined))).toBe(true);
    const tls = { method: "tls", identity: "p", certificate: "shop", subject: "CN=p", notAfterMs: Date.UTC(2027, 0, 2) } as const;
    expect(shownCurrent({ interfaces: {}, wifi: { ssid: "Shop", security: "wpa-eap", dot1x: tls } }, undefined)).toMatchObject({ wifi: { dot1x: { subject: "CN=p", notAfter: "2027-01-02T00:00:00.000Z" } } });
    expect(agrees({ wifi: { ssid: "Shop", security: "wpa-eap", dot1x: { method: "tls", identity: "q", certificate: "shop" } } }, shownCurrent({ interfaces: {}, wifi: { ssid: "Shop", security: "wpa-eap", dot1x: tls } }, undefined))).toBe(false);
    expect([hidesNothing({ dot1x: { eth0: access } }), hidesNothing({ dot1x: { eth0: null } })]).toEqual([false, true]);
    expect(withoutSecrets("no: eap secret", { dot1x: { eth0: access } })).toBe("no: ***");
  });

  test("a program's error message is passed on without the secrets in it", () => {
    expect(withoutSecrets("psk very secret for me:word and word", { wifi, proxy: "http://me:word@p:1" })).toBe("psk *** for *** and ***");
  });
});
