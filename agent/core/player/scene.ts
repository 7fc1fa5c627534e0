import type { StageContent, StageScene } from "../../../player-host/contract/link-messages.ts";
import type { Issue } from "../../../platform/ports/result.ts";

export interface SceneFacts {
  readonly deviceId: string;
  readonly owned: boolean;
  readonly pairing?: { readonly code: string; readonly claimUrl: string };
  /** One sentence on the link, for a person in front of the screen. */
  readonly linkStatus: string;
  /** The set-up network, while it is open. */
  readonly setup?: { readonly ssid: string; readonly password: string; readonly url: string };
  /** Complete content that may be shown. */
  readonly content?: StageContent;
  /** Why wanted content is not ready. */
  readonly contentError?: Issue;
  /** The screen should be dark, but the display cannot be switched off. */
  readonly blank: boolean;
}

/**
 * Chooses the scene. Available content is shown whatever the state of the link, because the public should not see an outage.
 * Our own screens appear only without content.
 */
export function chooseScene(facts: SceneFacts): StageScene {
  if (facts.blank) return { kind: "blank" };
  if (facts.content !== undefined) return { kind: "content", content: facts.content };
  if (!facts.owned) {
    return {
      kind: "pairing",
      deviceId: facts.deviceId,
      status: facts.linkStatus,
      ...(facts.setup && { setup: facts.setup }),
      ...(facts.pairing && { code: facts.pairing.code, claimUrl: facts.pairing.claimUrl }),
    };
  }
  if (facts.contentError !== undefined && facts.contentError.code !== "content.unreachable") {
    return { kind: "fault", code: facts.contentError.code, message: facts.contentError.message };
  }
  return { kind: "offline", message: facts.contentError?.message ?? facts.linkStatus };
}
