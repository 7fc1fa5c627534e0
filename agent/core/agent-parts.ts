import type { DeviceMessage } from "../protocol/device-messages.ts";
import type { JudgingClock } from "./cloud/judging-clock.ts";
import type { Migration } from "./cloud/migration.ts";
import type { ServerClock } from "./cloud/server-clock.ts";
import type { WayToCloud } from "./cloud/way-to-cloud.ts";
import type { ContentService } from "./content/content-service.ts";
import type { AlarmBoard } from "./health/alarm-board.ts";
import type { Ownership } from "./identity/ownership.ts";
import type { Pairing } from "./identity/pairing.ts";
import type { VerifySigned } from "./identity/verify.ts";
import type { LinkHandle } from "./link-handle.ts";
import type { NetworkChange } from "./network/network-change.ts";
import type { PageConfig } from "./player/page-config.ts";
import type { PlayerService } from "./player/player-service.ts";
import type { SceneKeeper } from "./scene-keeper.ts";
import type { ScheduleRunner } from "./schedule/schedule-runner.ts";
import type { ScreenExpectation } from "./screen/screen-expectation.ts";
import type { ScreenWatch } from "./screen/screen-watch.ts";
import type { DesiredState } from "./state/desired-state.ts";
import type { ManagedDisplay } from "./state/managed-display.ts";
import type { ManualOverrides } from "./state/manual-overrides.ts";
import type { ReportedState } from "./state/reported-state.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** Every part of the agent but the link, the commands and the health report, which are built on these. */
export interface AgentParts {
  /** The link to the cloud for parts that are made before it. */
  readonly link: LinkHandle;
  /** Sends to the cloud when online. False: not sent and not kept. */
  readonly send: (message: DeviceMessage) => boolean;
  /** What the device reports of itself. */
  readonly reported: ReportedState;
  /** The alarms that are raised. */
  readonly alarms: AlarmBoard;
  /** Who owns the device, and with which key he signs. */
  readonly ownership: Ownership;
  /** The pairing code and where the connection stands, for the screen. */
  readonly pairing: Pairing;
  /** Checks a signature against the owner's key. */
  readonly verify: VerifySigned;
  /** Lets one change of the way to the cloud run at a time. */
  readonly way: WayToCloud;
  /** Names of the desired keys that take turns on `way`. */
  readonly wayKeys: readonly string[];
  /** The cloud's addresses, and the move to others. */
  readonly migration: Migration;
  /** The network's settings, and the change to others. */
  readonly network: NetworkChange;
  /** Desired keys that a command has set aside. */
  readonly overrides: ManualOverrides;
  /** When the display is on and off. */
  readonly schedule: ScheduleRunner;
  /** The displays, each with its state read once for everybody; the first is the main one. */
  readonly displays: readonly ManagedDisplay[];
  /** Fetches the wanted content and says which is ready. */
  readonly content: ContentService;
  /** Measures the machine and the player. */
  readonly telemetry: Telemetry;
  /** The agent's side of the player host. */
  readonly player: PlayerService;
  /** Configuration and time zone for the customer's page. */
  readonly page: PageConfig;
  /** The owner's desired document, and the keys that follow it. */
  readonly desired: DesiredState;
  /** Whether the screen should show something at this moment. */
  readonly expectation: () => ScreenExpectation;
  /** Whether the screen shows what it should. */
  readonly screen: ScreenWatch;
  /** Chooses what the player shows: content, pairing, offline or nothing. */
  readonly scene: SceneKeeper;
  /** The cloud's time. */
  readonly serverClock: ServerClock;
  /** The time that dates of commands are judged by. */
  readonly judgingClock: JudgingClock;
  /** Hosts that uploads may go to. */
  readonly uploadHosts: () => readonly string[];
}
