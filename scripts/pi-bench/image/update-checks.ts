import { expect } from "expect";
import { installUnderLoad } from "../../package/testing/live-load.ts";
import type { ScreenDevice } from "../../prove/updates/screen-device.ts";
import { BAD_RELEASES, BASE, GOOD, INSTALL_STEPS, runBadUpdate, runFullDisk, runPowerCut, type BadRelease, type CaseEnd } from "../../prove/updates/update-cases.ts";
import type { Check } from "../agent/checks.ts";
import { cutOff } from "./network-cases.ts";

/** An image on an emulated machine with a screen, as a device that takes updates. */
export interface UpdateBench {
  /** Once it has been started. */
  readonly screen: ScreenDevice;
  start(): Promise<void>;
  revive(): Promise<void>;
}

/** `needs`: a bad release to be built. */
export type UpdateCheck = Check<UpdateBench> & { readonly needs?: BadRelease };

/** A device's life in order; the power is cut at the first `cuts` of the updater's steps. */
export function updateChecks(cuts: number): readonly UpdateCheck[] {
  return [
    START,
    UNDER_LOAD,
    ...BAD_RELEASES.map((bad): UpdateCheck => ({ name: `a bad update goes back and tells: ${bad.name}`, needs: bad, run: async ({ screen }) => judge(await runBadUpdate(screen, bad)) })),
    { name: "a bad update goes back and tells: disk full in the middle", run: async ({ screen }) => judge(await runFullDisk(screen)) },
    ...INSTALL_STEPS.slice(0, cuts).map((step): UpdateCheck => ({ name: `an update whose power is cut ends, and tells how: cut at ${step}`, run: async ({ screen }) => judge(await runPowerCut(screen, step)) })),
    CUT_OFF,
    CUT_OFF_AND_POWER,
  ];
}

function judge({ outcome, violations }: CaseEnd): void {
  console.log(`    ${outcome}`);
  expect(violations).toEqual([]);
}

const START: UpdateCheck = {
  name: "dpkg installs another version over that of the image, and the device is claimed and shows the page",
  needed: true,
  run: (bench) => bench.start(),
};

const UNDER_LOAD: UpdateCheck = {
  name: "an upgrade and a downgrade by dpkg under a live link with commands in flight lose nothing, do nothing twice, and leave each command one outcome",
  async run({ screen: { device } }) {
    await device.withoutPlayer();
    const { verdict, violations } = await installUnderLoad(device, [GOOD, BASE]);
    console.log(`    ${verdict.acknowledged} records and ${verdict.commands} commands: ${JSON.stringify(verdict.states)}`);
    await device.withPlayer();
    expect(violations).toEqual([]);
  },
};

const CUT_OFF: UpdateCheck = {
  name: "network settings that cut the device off are undone by itself, and the cloud is told",
  async run({ screen: { device } }) {
    const { addresses, before, after, answer } = await cutOff(device, "192.0.2.9");
    expect(addresses).toContain("192.0.2.9");
    expect(after).toBe(before);
    expect(answer).toMatchObject({ status: "failed", error: { code: "network.change-failed" } });
  },
};

const CUT_OFF_AND_POWER: UpdateCheck = {
  name: "network settings that cut the device off are undone after a power cut in their trial, and the cloud is told",
  async run({ screen: { device } }) {
    const { before, after, answer } = await cutOff(device, "192.0.2.10", () => device.ground.powerCut());
    expect(after).toBe(before);
    expect(answer).toMatchObject({ status: "failed", error: { code: "network.change-interrupted" } });
  },
};
