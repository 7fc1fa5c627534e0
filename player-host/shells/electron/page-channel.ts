import { mayNavigate, type NavigationRules } from "../../stage/navigation-rules.ts";

/** IPC channels between preload and host. There are no others. */
export const TO_HOST = "vitrine:to-host";
export const TO_PAGE = "vitrine:to-page";

/** Longest text taken from IPC before the gate looks at it; the gate's own limit is smaller. */
export const TEXT_LENGTH_MAX = 16 * 1024;

/** As much of a frame as the check needs. */
export interface SenderFrame {
  readonly url: string;
  readonly parent: object | null;
}

export interface SentMessage {
  /** Null when the frame went away meanwhile. */
  readonly frame: SenderFrame | null;
  readonly args: readonly unknown[];
}

/**
 * The text of a page call, or why it is none. Sender first: only the main frame, and only while it shows the
 * content's own origin. Then shape: exactly one string of bounded length. What is in it is for the gate.
 */
export function checkSent(
  { frame, args }: SentMessage,
  mainFrame: SenderFrame,
  rules: NavigationRules,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string } {
  if (frame === null) return refused("its frame is gone");
  if (frame !== mainFrame || frame.parent !== null) return refused("not from the main frame");
  if (!mayNavigate(rules, frame.url)) return refused("not from the content's origin");
  const [text] = args;
  if (args.length !== 1 || typeof text !== "string") return refused("not one text");
  if (text.length > TEXT_LENGTH_MAX) return refused("too long");
  return { ok: true, text };
}

function refused(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why };
}
