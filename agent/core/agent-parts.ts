import type { DeviceMessage } from "../protocol/device-messages.ts";
import type { JudgingClock } from "./cloud/judging-clock.ts";
import type { Migration } from "./cloud/migration.ts";
import type { ServerClock } from "./cloud/server-clock.ts";
import type { WayToCloud } from "./cloud/way-to-cloud.ts";
import type { ContentService } from "./content/content-service.ts";
import type { AlarmBoard } from "./health/alarm-board.ts";
import type { StorageTrials } from "./health/storage-trials.ts";
import type { Ownership } from "./identity/ownership.ts";
import type { Pairing } from "./identity/pairing.ts";
import type { VerifySigned } from "./identity/verify.ts";
import type { LinkHandle } from "./link-handle.ts";
import type { NetworkChange } from "./network/network-change.ts";
import type { PageConfig } from "./player/page-config.ts";
import type { PlayerService } from "./player/player-service.ts";
import type { SceneKeeper } from "./scene-keeper.ts";
import type { LocalRules } from "./rules/rules.ts";
import type { ScheduleRunner } from "./schedule/schedule-runner.ts";
import type { ScreenExpectation } from "./screen/screen-expectation.ts";
import type { ScreenWatch } from "./screen/screen-watch.ts";
import type { TvWatch } from "./screen/tv-watch.ts";
import type { DesiredState } from "./state/desired-state.ts";
import type { ManagedDisplay } from "./state/managed-display.ts";
import type { RegulatorReport } from "./state/regulator-report.ts";
import type { RuleClaims } from "./state/rule-claims.ts";
import type { ReportedState } from "./state/reported-state.ts";
import type { Setup } from "./setup/setup.ts";
import type { SoftwareReporter } from "./updates/software-reporter.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** All parts of the agent except the link, the commands and the health report, which are built on these. */
export interface AgentParts {
  /** Handle to the cloud link, for parts created before the link exists. */
  readonly link: LinkHandle;
  /** Sends to the cloud when online. Returns false when the message was neither sent nor kept. */
  readonly send: (message: DeviceMessage) => boolean;
  readonly reported: ReportedState;
  readonly alarms: AlarmBoard;
  /** The owner and the key they sign commands with. */
  readonly ownership: Ownership;
  /** Pairing code and connection status, for the screen. */
  readonly pairing: Pairing;
  /** Checks a signature against the owner's key. */
  readonly verify: VerifySigned;
  /** Serialises changes to how the device reaches the cloud. */
  readonly way: WayToCloud;
  /** Names of the desired keys serialised by `way`. */
  readonly wayKeys: readonly string[];
  /** The cloud's addresses and migration to new ones. */
  readonly migration: Migration;
  readonly network: NetworkChange;
  /** Gives the device its first network. */
  readonly setup: Setup;
  /** Joins inputs of the device to effects on it, without the cloud. */
  readonly rules: LocalRules;
  /** What local rules want for desired keys. */
  readonly claims: RuleClaims;
  /** Reports who decides about the screen. */
  readonly regulators: RegulatorReport;
  /** When the display is on and off. */
  readonly schedule: ScheduleRunner;
  /** The displays, each with a shared status reading; the first is the main one. */
  readonly displays: readonly ManagedDisplay[];
  /** No longer keeps what the displays' drivers learn. */
  readonly forgetDisplays: () => void;
  /** Fetches the desired content and tracks what is ready to play. */
  readonly content: ContentService;
  readonly telemetry: Telemetry;
  /** Writes and reads a block now and then. */
  readonly storageTrials: StorageTrials;
  /** The agent's side of the player host. */
  readonly player: PlayerService;
  /** Configuration and time zone for the customer's page. */
  readonly page: PageConfig;
  /** The owner's desired document and the keys reconciled with it. */
  readonly desired: DesiredState;
  /** Whether the screen should be on right now. */
  readonly expectation: () => ScreenExpectation;
  /** Whether the screen shows what it should. */
  readonly screen: ScreenWatch;
  /** What TVs say on HDMI-CEC. */
  readonly tv: TvWatch;
  /** Chooses what the player shows: content, pairing, offline or nothing. */
  readonly scene: SceneKeeper;
  /** Reports which release is installed. Absent where nothing updates the software. */
  readonly software?: SoftwareReporter;
  readonly serverClock: ServerClock;
  /** Clock used to judge the expiry dates of commands. */
  readonly judgingClock: JudgingClock;
  /** Hosts that uploads may go to. */
  readonly uploadHosts: () => readonly string[];
}
