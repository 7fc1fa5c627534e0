import type { HostPower } from "../../../platform/ports/host.ts";
import type { Unit } from "../../../platform/runtime/supervisor.ts";
import type { AgentParts } from "../agent-parts.ts";
import type { AgentPorts, AgentSettings } from "../agent-ports.ts";
import { politePower } from "../commands/polite-power.ts";
import type { HealthSource } from "../health/health-source.ts";
import { untilAborted } from "../state/until-aborted.ts";
import { certainReboot } from "./certain-reboot.ts";
import { LastResort } from "./last-resort.ts";
import { judgePicture, type PictureFinding } from "./picture-trouble.ts";
import { RebootBudget } from "./reboot-budget.ts";
import { WatchdogFeeder } from "./watchdog-feeder.ts";

export interface Recovery {
  /** The machine's power. Its reboots are announced to the cloud, and come even where the orderly way hangs. */
  readonly power: HostPower;
  readonly units: readonly Unit[];
  readonly sources: readonly HealthSource[];
}

/** What brings the machine back when nothing else does: watchdog, reboots that are certain, and the reboot as the last resort. */
export async function createRecovery(ports: AgentPorts, settings: AgentSettings, parts: AgentParts): Promise<Recovery> {
  const { platform, clock, timers, documents, bootId } = ports;
  const log = ports.log.child({ part: "recovery" });
  const { watchdog } = platform;
  const feeder = watchdog === undefined || !settings.config["watchdog.hardware"] ? undefined : new WatchdogFeeder({ watchdog, timers, log, healthy: ports.healthy ?? (() => true) });
  const onOverdue = (): void => {
    parts.alarms.raise("reboot.hangs", "critical", "the machine accepted a reboot, and neither that nor a forced reset came; switch it off and on");
    feeder?.starve("a reboot hangs");
  };
  const power = certainReboot(politePower(platform.power, parts.send), { timers, log, onOverdue });
  const rebootsPerDay = settings.config["recovery.rebootsPerDay"];
  const units: Unit[] = [
    {
      name: "reboot-watch",
      run: async (signal) => {
        await untilAborted(new Promise<never>(() => {}), signal);
        power.stopWatching();
      },
    },
  ];
  if (feeder !== undefined) units.push({ name: "watchdog", run: (signal) => feeder.run(signal) });
  if (rebootsPerDay > 0) {
    const budget = await RebootBudget.load({ store: documents, clock, log, bootId, rebootsPerDay });
    const picture = (): PictureFinding => judgePicture({ expectation: parts.expectation(), screen: parts.screen.current(), player: ports.player.status(), nowMs: clock.monotonicMs() });
    const lastResort = new LastResort({ picture, budget, power, alarms: parts.alarms, bootId, clock, timers, log });
    units.push({ name: "last-resort", run: (signal) => lastResort.run(signal) });
  }
  const sources: HealthSource[] = feeder === undefined ? [] : [{ name: "watchdog", alarm: "warning", look: () => feeder.issue() }];
  return { power, units, sources };
}
