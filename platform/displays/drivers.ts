import type { OpenBacklight } from "../ports/backlight.ts";
import type { Cec, CecBus } from "../ports/cec.ts";
import type { Clock, Timers } from "../ports/clock.ts";
import type { Compositor } from "../ports/compositor.ts";
import type { OpenDdc } from "../ports/ddc.ts";
import type { Outputs } from "../ports/outputs.ts";
import type { DisplayDriver } from "../ports/display-driver.ts";
import type { Result } from "../ports/result.ts";
import type { DisplayAttachment } from "../ports/display-config.ts";

/** The parts of the machine that drivers may use. */
export interface DriverMachine {
  readonly cec?: Cec;
  readonly cecBuses?: readonly CecBus[];
  readonly compositor?: Compositor;
  readonly openDdc?: OpenDdc;
  readonly openBacklight?: OpenBacklight;
  readonly outputs?: Pick<Outputs, "list">;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface OpenedDriver {
  readonly driver: DisplayDriver;
  /** Closes the connection. */
  close?(): Promise<void>;
}

/** Opens one display. A display that does not answer is not a failure here; queries report that. */
export type OpenDriver = (attachment: DisplayAttachment, machine: DriverMachine) => Promise<Result<OpenedDriver>>;
export type DriverTable = Readonly<Record<string, () => Promise<OpenDriver>>>;

/** The display drivers, by the name that the configuration uses. Only those that are configured are loaded. */
export const DISPLAY_DRIVERS: DriverTable = {
  backlight: async () => (await import("./backlight/open-backlight.ts")).openBacklight,
  cec: async () => (await import("./cec/open-cec.ts")).openCec,
  output: async () => (await import("./output/open-output.ts")).openOutput,
  "ddc-ci": async () => (await import("./ddc-ci/open-ddc-ci.ts")).openDdcCi,
  "ddc-ci-power": async () => (await import("./ddc-ci/open-ddc-ci.ts")).openDdcCiWithPower,
};
