import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { HostPower } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, type Result } from "../../../platform/ports/result.ts";

/** Time for an orderly reboot. systemd gives a service that does not stop 90 s. */
export const ORDERLY_REBOOT_MS = 3 * 60_000;
/** Later than the forced reset: only where that did not come. */
const OVERDUE_MS = ORDERLY_REBOOT_MS + 60_000;

export interface CertainRebootDeps {
  readonly timers: Timers;
  readonly log: Log;
  /** Called when the machine accepted a reboot, and neither that nor the forced reset came. */
  readonly onOverdue: () => void;
}

export interface CertainPower extends HostPower {
  /** Stops waiting for a reboot that was accepted, when the agent stops: its own end may be part of that reboot. */
  stopWatching(): void;
}

/**
 * Wraps `HostPower`: a reboot that the machine accepts happens. Before it is asked for, a forced reset is armed that comes
 * when the orderly reboot hangs, as it does with a graphics driver that hangs. A refused reboot disarms it.
 */
export function certainReboot(power: HostPower, { timers, log, onOverdue }: CertainRebootDeps): CertainPower {
  const { forcedReset } = power;
  let overdue: Timer | undefined;
  const judge = async (bootIdBefore: string): Promise<void> => {
    if ((await power.bootId()) === bootIdBefore) onOverdue();
  };
  const disarm = async (): Promise<void> => {
    const disarmed = await forcedReset?.disarm();
    if (disarmed?.ok === false) log.error({ ...disarmed.error }, "the machine refused to reboot, but the forced reset cannot be disarmed");
  };
  return {
    bootId: () => power.bootId(),
    shutdown: (reason) => power.shutdown(reason),
    stopWatching: () => overdue?.cancel(),
    ...(forcedReset !== undefined && { forcedReset }),
    reboot: async (reason): Promise<Result<void>> => {
      const bootIdBefore = await power.bootId();
      const armed = await forcedReset?.arm(ORDERLY_REBOOT_MS);
      if (armed?.ok === false) log.warn({ ...armed.error }, "an orderly reboot that hangs will not be ended");
      let taken: Result<void> | undefined;
      try {
        taken = await power.reboot(reason);
      } finally {
        // The machine stays up. A reset that was not confirmed may be armed all the same.
        if (taken?.ok !== true) await disarm();
      }
      if (!taken.ok) return taken;
      overdue?.cancel();
      overdue = timers.after("reboot.overdue", OVERDUE_MS, () => {
        judge(bootIdBefore).catch((thrown: unknown) => log.error({ error: messageOf(thrown) }, "whether the machine rebooted cannot be told"));
      });
      return taken;
    },
  };
}
