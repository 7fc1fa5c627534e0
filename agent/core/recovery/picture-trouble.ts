import type { ScreenReport } from "../../protocol/reported.ts";
import type { PlayerStatus } from "../player/player-port.ts";
import type { ScreenExpectation } from "../screen/screen-expectation.ts";

export interface PictureFacts {
  readonly expectation: ScreenExpectation;
  readonly screen: ScreenReport | undefined;
  readonly player: PlayerStatus;
}

/**
 * Why only a reboot may bring the picture back: the browser draws nothing although the player host restarted it, no browser
 * shows a picture, or the player host is gone. Not for faults a reboot does not mend: an error page, a cable, a TV, or a
 * screen that is to be dark. Nor for a player host that has not come since the agent started: a reboot did not bring it, or
 * the device is still being set up. Nor for one that somebody stopped in order, however long ago: they may be at work. Pure.
 */
export function pictureTrouble({ expectation, screen, player }: PictureFacts): string | undefined {
  if (expectation.expect !== "on") return undefined;
  if (player.kind === "absent") return player.how === "lost" ? `the player host is gone: ${player.why}` : undefined;
  if (player.browser?.picture.kind === "none") return `no browser shows a picture: ${player.browser.picture.why}`;
  return screen?.verdict === "frozen" ? "the picture is frozen" : undefined;
}
