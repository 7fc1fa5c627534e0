import type { BrowserReport } from "../../../player-host/contract/browser-report.ts";
import type { HostMessage, HostPicture, HostRequest, PageContext, StageReport, StageScene } from "../../../player-host/contract/link-messages.ts";
import type { Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** The player host as the agent sees it. */
export type PlayerStatus =
  /** No host is connected. */
  | { readonly kind: "absent"; readonly sinceMs: number; readonly why: string }
  | {
      readonly kind: "present";
      readonly instance: string;
      readonly pid: number;
      readonly shell: string;
      readonly stage: StageReport;
      readonly picture: HostPicture;
      /** Absent: the host said nothing of it. */
      readonly browser?: BrowserReport;
      /** Why the host's own log is not written. Absent: it is, or the host said nothing of it. */
      readonly logTrouble?: string;
      /** Monotonic time of the host's last word; old means it may hang. */
      readonly heardMs: number;
    };

/** Stage of a host that has joined and has not said yet what is on. */
export const UNTOLD_STAGE: StageReport = { kind: "screen", screen: "unknown" };

/** The host has joined and has said what is on. */
export function hasToldStage(status: PlayerStatus): status is Extract<PlayerStatus, { kind: "present" }> {
  return status.kind === "present" && !(status.stage.kind === "screen" && status.stage.screen === "unknown");
}

export type PlayerEvent = Extract<HostMessage, { t: "page-event" | "page-play" | "page-state" | "page-refused" | "metrics" | "log" }>;

/**
 * The local link to the player host. The host outlives the agent; a restarted agent adopts the running
 * host. Scene and context are kept by the implementation and given to every host that connects.
 */
export interface PlayerLink {
  status(): PlayerStatus;
  onStatus(listener: (status: PlayerStatus) => void): () => void;
  onEvent(listener: (event: PlayerEvent) => void): () => void;
  setScene(scene: StageScene): void;
  setContext(context: PageContext): void;
  /** Answer to `page-event` / `page-play`: it is durable (or refused with `code`). */
  pageStored(id: string, code?: string): void;
  sendGpio(line: string, level: 0 | 1): void;
  /**
   * Errors: `player.absent`, `player.busy` (not sent); `player.timeout`, `player.gone` (sent, and not answered in time or before the
   * host went: it may have been done, or with `player.timeout` may be done yet); or the host's own code.
   */
  request(request: HostRequest, timeoutMs: number): Promise<Result<JsonObject>>;
}
