import { paintOverlay } from "../../screens/overlay.dom.ts";

/** Expression that draws the label `text` over the page, or removes it; for our isolated world of the page. */
export function overlayScript(text: string | undefined): string {
  return `(${paintOverlay.toString()})(${JSON.stringify(text ?? null)})`;
}
