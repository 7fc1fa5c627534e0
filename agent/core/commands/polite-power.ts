import type { HostPower } from "../../../platform/ports/host.ts";
import type { Result } from "../../../platform/ports/result.ts";
import type { DeviceMessageOf } from "../../protocol/device-messages.ts";

type Bye = DeviceMessageOf<"bye">;

/** Wraps `HostPower`: sends `bye` once the machine has accepted a reboot or shutdown, so that the cloud knows the reason. */
export function politePower(power: HostPower, send: (bye: Bye) => boolean): HostPower {
  const ask = async (request: Promise<Result<void>>, reason: Bye["reason"]): Promise<Result<void>> => {
    const taken = await request;
    if (taken.ok) send({ t: "bye", reason });
    return taken;
  };
  return {
    bootId: () => power.bootId(),
    ...(power.forcedReset !== undefined && { forcedReset: power.forcedReset }),
    reboot: (reason) => ask(power.reboot(reason), "rebooting"),
    shutdown: (reason) => ask(power.shutdown(reason), "shutting-down"),
  };
}
