import { expect, test } from "vitest";
import type { Dot1xAccess } from "../../../platform/ports/network-settings.ts";
import { failed, seen } from "../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { certificateSource } from "./certificate-source.ts";

const DAY_MS = 24 * 3_600_000;

async function saidOf(daysLeft: number, over: Partial<Dot1xAccess> = {}) {
  const time = new VirtualTime();
  const access: Dot1xAccess = { interface: "eth0", method: "tls", identity: "player-7", certificate: "shop-7", subject: "CN=player-7", notAfterMs: time.wallMs() + daysLeft * DAY_MS, shutOut: false, ...over };
  const { notAfterMs: _end, ...without } = access;
  return certificateSource({ dot1x: { access: () => Promise.resolve(seen([daysLeft === Infinity ? without : access], 0)), askAgain: () => Promise.reject(new Error("not asked for")) } }, time).look();
}

test("a certificate is named from 30 days before it expires, with its day", async () => {
  expect(await saidOf(31)).toBeUndefined();
  expect(await saidOf(29)).toMatchObject({ code: "network.certificate-expires", message: expect.stringMatching(/shop-7 \(CN=player-7\).*eth0.*expires on \d{4}-\d\d-\d\d/) as string });
  expect(await saidOf(-1)).toMatchObject({ code: "network.certificate-expired" });
  expect(await saidOf(Infinity)).toBeUndefined();
});

test("the machine is asked once an hour, and a machine that cannot be asked changes nothing", async () => {
  const time = new VirtualTime();
  let asked = 0;
  let fails = false;
  const soon: Dot1xAccess = { interface: "eth0", method: "tls", identity: "p", notAfterMs: time.wallMs() + DAY_MS, shutOut: false };
  const source = certificateSource({ dot1x: { access: () => Promise.resolve((asked += 1) > 0 && fails ? failed({ code: "network.refused", message: "no" }) : seen([soon], 0)), askAgain: () => Promise.reject(new Error("not asked for")) } }, time);
  for (let look = 0; look < 3; look += 1) expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  expect(asked).toBe(1);
  fails = true;
  await time.advance(3_600_000);
  expect(await source.look()).toMatchObject({ code: "network.certificate-expires" });
  expect(asked).toBe(2);
});
