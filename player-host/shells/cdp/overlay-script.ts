import { paintOverlay } from "../../screens/overlay.dom.ts";

/** The label over the page as an expression for the shell's own world of the page. */
export function overlayScript(text: string | undefined): string {
  return `(${paintOverlay.toString()})(${JSON.stringify(text ?? null)})`;
}
