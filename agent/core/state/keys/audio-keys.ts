import type { DesiredDocument } from "../../../protocol/desired.ts";
import type { Audio } from "../../../../platform/ports/audio.ts";
import { compareExactly, compareLevel } from "../../../../platform/ports/comparison.ts";
import type { Effect, Reading } from "../../../../platform/ports/reading.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import type { DesiredKeyHandler } from "../desired-key.ts";
import type { Issue } from "../../../../platform/ports/result.ts";

/** Audio servers answer at once or hang. An order is a look, the order and a look, of up to three programs each. */
const WORST_CASE_MS = 10_000;

/** Handlers of `audio.volume` and `audio.mute`. Without an audio port both are `unsupported`. */
export function audioKeys(audio: Audio | undefined): readonly DesiredKeyHandler[] {
  return [
    key(audio, "volume", ({ audio: wanted }) => wanted?.volume, (port) => port.volume(), (port, value) => port.setVolume(Number(value))),
    key(audio, "mute", ({ audio: wanted }) => wanted?.mute, (port) => port.mute(), (port, value) => port.setMute(value === true)),
  ];
}

function key(
  audio: Audio | undefined,
  name: string,
  wantedOf: (document: DesiredDocument) => Json | undefined,
  observe: (audio: Audio) => Promise<Reading<Json>>,
  apply: (audio: Audio, value: Json) => Promise<Effect<Json>>,
): DesiredKeyHandler {
  const error: Issue = { code: "unsupported", message: "this device has no audio output" };
  return {
    key: `audio.${name}`,
    lane: "audio",
    worstCaseMs: WORST_CASE_MS,
    wanted: (document) => {
      const value = wantedOf(document);
      if (value === undefined) return undefined;
      return audio === undefined ? { kind: "unsupported", error } : { kind: "value", value };
    },
    observe: () => (audio === undefined ? Promise.resolve({ kind: "unsupported" }) : observe(audio)),
    apply: async (value) => (audio === undefined ? { kind: "unsupported", error } : { kind: "effect", effect: await apply(audio, value) }),
    compare: name === "volume" ? compareLevel : compareExactly,
  };
}
