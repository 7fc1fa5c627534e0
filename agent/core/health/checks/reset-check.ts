import type { HostPower } from "../../../../platform/ports/host.ts";
import { good, unsupported, warning, type DiagnosticCheck } from "../diagnostic-check.ts";

/** Whether a reboot that hangs is ended by a forced reset. */
export function forcedResetCheck({ forcedReset }: HostPower): DiagnosticCheck {
  return {
    name: "forced reset",
    run() {
      if (forcedReset === undefined) return Promise.resolve(unsupported("this machine has no forced reset"));
      const usable = forcedReset.check();
      return Promise.resolve(usable.ok ? good("a reboot that hangs is forced") : warning(`a reboot that hangs is not ended: ${usable.error.message}`, usable.error.hint ?? "see the log"));
    },
  };
}
