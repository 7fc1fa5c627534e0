import type { CodeEntry } from "./code-places.ts";

/** The rows of the table of codes (`codes.ts`) about sound outputs and backlights. */
export const SOUND_AND_LIGHT_CODES = {
  "audio.cannot-mute": ["command desired", "The sound output has no switch to mute it.", "Set its volume to 0."],
  "audio.effect-not-observed": ["command", "The audio output took the command but does not report the requested value."],
  "audio.no-answer": ["command", "The audio output did not answer."],
  "audio.no-card": ["reading", "The machine has no sound card."],
  "audio.no-output": ["command desired reading", "The sound server has no output, or only its silent placeholder.", "Connect a display with sound or a sound card."],
  "audio.no-server": ["command desired reading", "No sound server answers: it is not running, or its socket cannot be reached by the agent's user.", "See `audio.socketsDir` in the configuration."],
  "audio.no-such-output": ["command desired reading", "No sound output, or more than one, fits `audio.output`; the hint lists those there are."],
  "audio.no-volume": ["command desired reading", "The sound card has no volume control."],
  "audio.not-attempted": ["command", "Nothing was sent to the audio output."],
  "audio.not-understood": ["command desired reading", "The mixer program answered in a form this software does not know."],
  "audio.out-of-range": ["command desired", "The volume is not a whole percentage from 0 to 100."],

  "backlight.failed": ["command desired reading", "The driver of the panel's backlight answered an error, or hangs."],
  "backlight.no-access": ["command desired reading", "The agent's user may not use the panel's backlight.", "Install `scripts/systemd/vitrine-displays.rules`."],
  "backlight.none": ["health", "The machine has no such backlight, or several; the hint lists those it has."],
} as const satisfies Readonly<Record<string, CodeEntry>>;
