import type { StageContent, StageScene } from "../../../player-host/contract/link-messages.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Everything the choice of scene depends on. */
export interface SceneFacts {
  readonly deviceId: string;
  readonly owned: boolean;
  readonly pairing?: { readonly code: string; readonly claimUrl: string };
  /** One sentence about the link, for the person in front of the screen. */
  readonly linkStatus: string;
  /** Content that is complete and may be shown. */
  readonly content?: StageContent;
  /** Why wanted content is not there. */
  readonly contentError?: Issue;
  /** Nothing may be shown now, and the display itself cannot be switched off. */
  readonly blank: boolean;
}

/**
 * What belongs on the screen. Content that is there is shown, whatever the link does: an outage is
 * nothing the public should see. Our own screens are for devices that never had content.
 */
export function chooseScene(facts: SceneFacts): StageScene {
  if (facts.blank) return { kind: "blank" };
  if (facts.content !== undefined) return { kind: "content", content: facts.content };
  if (!facts.owned) {
    return {
      kind: "pairing",
      deviceId: facts.deviceId,
      status: facts.linkStatus,
      ...(facts.pairing && { code: facts.pairing.code, claimUrl: facts.pairing.claimUrl }),
    };
  }
  if (facts.contentError !== undefined && facts.contentError.code !== "content.unreachable") {
    return { kind: "fault", code: facts.contentError.code, message: facts.contentError.message };
  }
  return { kind: "offline", message: facts.contentError?.message ?? facts.linkStatus };
}
