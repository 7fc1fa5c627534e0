import type { BrowserReport } from "../../../player-host/contract/browser-report.ts";
import type { HostMessage, HostPicture, HostRequest, PageContext, StageReport, StageScene } from "../../../player-host/contract/link-messages.ts";
import type { Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** The player host as the agent sees it. */
export type PlayerStatus =
  /**
   * `yet-to-come`: none has connected since the agent started; perhaps none is installed. `stopped`: it said goodbye,
   * as in an orderly stop. `lost`: its connection ended without a goodbye.
   */
  | { readonly kind: "absent"; readonly how: "yet-to-come" | "stopped" | "lost"; readonly sinceMs: number; readonly why: string }
  | {
      readonly kind: "present";
      readonly instance: string;
      readonly pid: number;
      readonly shell: string;
      readonly stage: StageReport;
      readonly picture: HostPicture;
      /** Absent: the host did not report it. */
      readonly browser?: BrowserReport;
      /** Why the host cannot write its own log. Absent: it can, or did not report it. */
      readonly logTrouble?: string;
      /** Monotonic time of the host's last message; if long ago, the host may hang. */
      readonly heardMs: number;
    };

/** Stage of a host that has connected but not yet reported its stage. */
export const UNTOLD_STAGE: StageReport = { kind: "screen", screen: "unknown" };

/** Whether a host is connected and has reported its stage. */
export function hasToldStage(status: PlayerStatus): status is Extract<PlayerStatus, { kind: "present" }> {
  return status.kind === "present" && !(status.stage.kind === "screen" && status.stage.screen === "unknown");
}

export type PlayerEvent = Extract<HostMessage, { t: "page-event" | "page-play" | "page-state" | "page-refused" | "metrics" | "log" }>;

/**
 * The local link to the player host. The host outlives the agent; a restarted agent adopts the running host. The
 * implementation keeps scene and context and sends them to every host that connects.
 */
export interface PlayerLink {
  status(): PlayerStatus;
  onStatus(listener: (status: PlayerStatus) => void): () => void;
  onEvent(listener: (event: PlayerEvent) => void): () => void;
  setScene(scene: StageScene): void;
  setContext(context: PageContext): void;
  /** Answers `page-event` or `page-play`: it is stored, or refused with `code`. */
  pageStored(id: string, code?: string): void;
  sendGpio(line: string, level: 0 | 1): void;
  /**
   * Errors: `player.absent`, `player.busy` (not sent); `player.timeout`, `player.gone` (sent but not answered: it may have been
   * carried out, and after `player.timeout` may still be); or the host's own code.
   */
  request(request: HostRequest, timeoutMs: number): Promise<Result<JsonObject>>;
}
