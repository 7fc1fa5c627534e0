import { mayNavigate, type NavigationRules } from "../../stage/navigation-rules.ts";

/** The only IPC channels between preload and host. */
export const TO_HOST = "vitrine:to-host";
export const TO_PAGE = "vitrine:to-page";

/** Longest text accepted from IPC. The page gate's own limit is smaller. */
export const TEXT_LENGTH_MAX = 16 * 1024;

/** The part of Electron's `WebFrameMain` that the check needs. */
export interface SenderFrame {
  readonly url: string;
  readonly parent: object | null;
}

export interface SentMessage {
  /** Null when the frame is already gone. */
  readonly frame: SenderFrame | null;
  readonly args: readonly unknown[];
}

/**
 * The text of a page call, or why it is refused. The sender must be the main frame while it shows one of the content's
 * origins, and the message exactly one string of limited length. The page gate judges the text.
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
