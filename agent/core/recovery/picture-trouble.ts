import type { ScreenReport } from "../../protocol/reported.ts";
import type { PlayerStatus } from "../player/player-port.ts";
import type { ScreenExpectation } from "../screen/screen-expectation.ts";

export interface PictureFacts {
  readonly expectation: ScreenExpectation;
  readonly screen: ScreenReport | undefined;
  readonly player: PlayerStatus;
  /** Monotonic. */
  readonly nowMs: number;
}

/** `trouble`: only a reboot may end it; `why` is a sentence. `unseen`: there is no picture to judge, so it is neither good nor bad. */
export type PictureFinding = { readonly kind: "trouble"; readonly why: string } | { readonly kind: "good" } | { readonly kind: "unseen" };

/**
 * A player host that was stopped and stays away this long is trouble. Longer than a day's work at the device. SIGTERM also comes
 * with `systemctl restart` or the update of a package, after which the next compositor may not start.
 */
export const STOPPED_MAX_MS = 24 * 3_600_000;

/**
 * Whether only a reboot may bring the picture back: the browser draws nothing although the player host restarted it, no browser
 * shows a picture, or the player host is gone. Not for faults a reboot does not mend: an error page, a cable, a TV, or a
 * screen that is to be dark. Nor for a player host that has not come since the agent started: a reboot did not bring it, or
 * the device is still being set up. Nor, for a day, for one that was stopped: somebody may be at work. Pure.
 */
export function judgePicture({ expectation, screen, player, nowMs }: PictureFacts): PictureFinding {
  if (expectation.expect !== "on") return { kind: "unseen" };
  if (player.kind === "absent") {
    const isGone = player.how === "lost" || (player.how === "stopped" && nowMs - player.sinceMs >= STOPPED_MAX_MS);
    return isGone ? { kind: "trouble", why: `the player host is gone: ${player.why}` } : { kind: "unseen" };
  }
  if (player.browser?.picture.kind === "none") return { kind: "trouble", why: `no browser shows a picture: ${player.browser.picture.why}` };
  switch (screen?.verdict) {
    case "frozen":
      return { kind: "trouble", why: "the picture is frozen" };
    case undefined:
    case "dark":
    case "unknown":
      return { kind: "unseen" };
    default:
      return { kind: "good" };
  }
}
