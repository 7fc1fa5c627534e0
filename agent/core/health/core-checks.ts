import type { ScreenReport } from "../../protocol/reported.ts";
import type { LinkStatus } from "../cloud/cloud-port.ts";
import type { ConfigIssue } from "../config/resolve-config.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { PlayerLink } from "../player/player-port.ts";
import type { ManagedDisplay } from "../state/managed-display.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { backlogCheck, configCheck, linkCheck, ownerCheck, storageCheck } from "./checks/cloud-checks.ts";
import { pressureCheck, storageHealthCheck, storageTrialCheck, supplyCheck } from "./checks/condition-checks.ts";
import { clockCheck, diskCheck, gatewayCheck, networkCheck, temperatureCheck } from "./checks/machine-checks.ts";
import { forcedResetCheck } from "./checks/reset-check.ts";
import { browserCheck, displayChecks, gpioCheck, hardwareCheck, outputsCheck, playerCheck, playerLogCheck, verdictCheck } from "./checks/screen-checks.ts";
import type { DiagnosticCheck } from "./diagnostic-check.ts";

export interface CoreChecksDeps {
  readonly platform: PlatformAdapter;
  readonly displays: readonly ManagedDisplay[];
  readonly player: PlayerLink;
  readonly screen: () => ScreenReport | undefined;
  readonly link: () => LinkStatus;
  readonly owner: () => { readonly name: string; readonly fingerprint: string } | undefined;
  readonly pairingCode: () => string | undefined;
  readonly outbox: Pick<Outbox, "status">;
  readonly storageIssues: () => readonly Issue[];
  readonly configIssues: readonly ConfigIssue[];
  /** Present problems with configured or expected hardware. */
  readonly hardwareIssues: () => readonly Issue[];
  readonly keepFreeBytes: number;
  readonly clock: Clock;
  /** Checks of `vitrine doctor` that need the machine: data folder, name of the cloud. Shown first. */
  readonly machine: readonly DiagnosticCheck[];
}

/** Every check of `vitrine doctor`, from the foundations (disk, clock, network) to the picture. */
export function coreChecks(deps: CoreChecksDeps): readonly DiagnosticCheck[] {
  const { platform, player, clock } = deps;
  return [
    ...deps.machine,
    diskCheck(platform.probe, deps.keepFreeBytes),
    storageCheck(deps.storageIssues),
    configCheck(deps.configIssues),
    hardwareCheck(deps.hardwareIssues),
    clockCheck(platform.clock),
    temperatureCheck(platform.probe),
    supplyCheck(platform.probe),
    storageHealthCheck(platform.probe),
    storageTrialCheck(platform.probe),
    pressureCheck(platform.probe),
    forcedResetCheck(platform.power),
    networkCheck(platform.network),
    gatewayCheck(platform.network),
    linkCheck(deps.link, clock),
    ownerCheck(deps.owner, deps.pairingCode),
    backlogCheck(deps.outbox),
    outputsCheck(platform.outputs),
    ...displayChecks(deps.displays),
    gpioCheck(platform.gpio),
    playerCheck(player, clock),
    browserCheck(player),
    playerLogCheck(player),
    verdictCheck(deps.screen),
  ];
}
