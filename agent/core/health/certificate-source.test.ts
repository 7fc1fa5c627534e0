import { expect, test } from "vitest";
import type { Dot1xAccess } from "../../../platform/ports/network-settings.ts";
import { failed, seen, type Reading } from "../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { certificateSource } from "./certificate-source.ts";

const DAY_MS = 24 * 3_600_000;

async function saidOf(daysLeft: number, over: Partial<Dot1xAccess> = {}) {
  const time = new VirtualTime();
  const access: Dot1xAccess = { interface: "eth0", method: "tls", identity: "player-7", certificate: "shop-7", subject: "CN=player-7", notAfterMs: time.wallMs() + daysLeft * DAY_MS, shutOut: false, ...over };
  const { notAfterMs: _end, ...without } = access;
  return certificateSource({ dot1x: { access: () => Promise.resolve(seen([daysLeft === Infinity ? without : access], 0)), renewals: () => Promise.reject(new Error("not asked for")), askAgain: () => Promise.reject(new Error("not asked for")) } }, time).look();
}

test("a certificate is named from 30 days before it expires, with its day", async () => {
  expect(await saidOf(31)).toBeUndefined();
  expect(await saidOf(29)).toMatchObject({ code: "network.certificate-expires", message: expect.stringMatching(/shop-7 \(CN=player-7\).*eth0.*expires on \d{4}-\d\d-\d\d/) as string });
  expect(await saidOf(-1)).toMatchObject({ code: "network.certificate-expired" });
  expect(await saidOf(Infinity)).toBeUndefined();
});

/** A machine with one cable for each of `daysLeft`. */
function machine(...daysLeft: readonly number[]) {
  const time = new VirtualTime();
  const state = { daysLeft, asked: 0 };
  const startMs = time.wallMs();
  const access = (): Promise<Reading<readonly Dot1xAccess[]>> => {
    state.asked += 1;
    return Promise.resolve(seen(state.daysLeft.map((days, at) => ({ interface: `eth${at}`, method: "tls", identity: "p", certificate: `c${at}`, notAfterMs: startMs + days * DAY_MS, shutOut: false })), 0));
  };
  return { time, state, source: certificateSource({ dot1x: { access, renewals: () => Promise.reject(new Error("not asked for")), askAgain: () => Promise.reject(new Error("not asked for")) } }, time) };
}

test("of several certificates the one that expires first is told", async () => {
  expect(await machine(29, -1, 5).source.look()).toMatchObject({ code: "network.certificate-expired", message: expect.stringContaining("c1") as string });
  expect(await machine(40, 29, 5).source.look()).toMatchObject({ code: "network.certificate-expires", message: expect.stringContaining("c2") as string });
});

test("a clock that is set changes what is told at once", async () => {
  const { time, source } = machine(40);
  expect(await source.look()).toBeUndefined();
  time.stepWall(20 * DAY_MS);
  expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  time.stepWall(-20 * DAY_MS);
  expect(await source.look()).toBeUndefined();
});

test("a renewed certificate ends the warning within a minute", async () => {
  const { time, state, source } = machine(1);
  expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  state.daysLeft = [365];
  await time.advance(60_000);
  expect(await source.look()).toBeUndefined();
  await time.advance(60_000);
  expect([await source.look(), state.asked]).toEqual([undefined, 2]);
});

test("the machine is asked once a minute while there is something to tell, else once an hour, and a machine that cannot be asked changes nothing", async () => {
  const time = new VirtualTime();
  let asked = 0;
  let fails = false;
  const soon: Dot1xAccess = { interface: "eth0", method: "tls", identity: "p", notAfterMs: time.wallMs() + DAY_MS, shutOut: false };
  const source = certificateSource({ dot1x: { access: () => Promise.resolve((asked += 1) > 0 && fails ? failed({ code: "network.refused", message: "no" }) : seen([soon], 0)), renewals: () => Promise.reject(new Error("not asked for")), askAgain: () => Promise.reject(new Error("not asked for")) } }, time);
  for (let look = 0; look < 3; look += 1) expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  expect(asked).toBe(1);
  fails = true;
  await time.advance(3_600_000);
  expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  expect(asked).toBe(2);
});
