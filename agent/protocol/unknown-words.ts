import type { CloudMessage } from "./cloud-messages.ts";
import { isStream } from "./records.ts";

/** What a cloud can request in `welcome` and `fetch`. */
export const WANTS = ["profile", "reported"] as const;

/**
 * Words in a cloud message that this version does not know, each with its place: `welcome.wants:inventory`. They are
 * ignored, so that a newer cloud does not lock out an older device.
 */
export function unknownWordsOf(message: CloudMessage): readonly string[] {
  switch (message.t) {
    case "welcome":
      return [...unknownWants("welcome", message.wants), ...unknownKind(message)];
    case "fetch":
      return unknownWants("fetch", message.wants);
    case "owner":
      return unknownKind(message);
    case "stored":
      return (message.rejected ?? []).flatMap(({ stream }) => (isStream(stream) ? [] : [`stored.rejected:${stream}`]));
    default:
      return [];
  }
}

function unknownWants(t: string, wants: readonly string[]): readonly string[] {
  return wants.filter((want) => !(WANTS as readonly string[]).includes(want)).map((want) => `${t}.wants:${want}`);
}

function unknownKind({ t, owner }: Extract<CloudMessage, { t: "welcome" | "owner" }>): readonly string[] {
  return owner.kind === "unknown" ? [`${t}.owner.kind`] : [];
}
