import type { DeviceSummary } from "./api-types.ts";
import { age } from "./format.ts";

/** Severity of a state, for colour and icon. `calm`: nothing to do, such as a screen that is off as planned. */
export type Tone = "good" | "warn" | "bad" | "calm" | "unknown";

export interface Wall {
  readonly tone: Tone;
  /** At most three words. */
  readonly word: string;
  /** What the word means, or why nothing is known. */
  readonly meaning: string;
  /** When it began, by the device's clock; absent while unknown. */
  readonly sinceMs?: number;
  /** Last known state before it became unknown. */
  readonly was?: { readonly word: string; readonly heardMs: number };
}

interface Word {
  readonly tone: Tone;
  readonly word: string;
  readonly meaning: string;
}

const WORDS: ReadonlyMap<string, Word> = new Map<string, Word>([
  ["showing", { tone: "good", word: "showing", meaning: "The customer's picture is on the screen." }],
  ["dark-expected", { tone: "calm", word: "dark, as planned", meaning: "The screen is off because it should be." }],
  ["dark", { tone: "bad", word: "dark", meaning: "The screen should show the picture but is dark." }],
  ["frozen", { tone: "bad", word: "frozen", meaning: "The picture no longer changes although the page should be drawing." }],
  ["error-page", { tone: "bad", word: "error page", meaning: "The screen shows an error instead of the content." }],
  ["blank", { tone: "bad", word: "blank", meaning: "The page shows a single colour." }],
  ["unknown", { tone: "unknown", word: "unknown", meaning: "The device cannot tell what is on the screen." }],
]);

/** Whether this page is connected to its server. If not, nothing it shows is current. */
export type Freshness = { readonly live: true } | { readonly live: false; readonly lastHeardMs: number };

/**
 * What is on the screen, as far as it is known now: while the device is offline or the server is lost, every
 * verdict becomes `unknown`, with the last known one in `was`.
 */
export function wallOf(device: DeviceSummary, freshness: Freshness): Wall {
  const { verdict, link } = device;
  const word = verdict === null ? undefined : (WORDS.get(verdict.verdict) ?? { tone: "unknown" as const, word: verdict.verdict, meaning: "A verdict this dashboard does not know." });
  if (!freshness.live) return unknownSince(word, freshness.lastHeardMs, "This page has lost its server.");
  if (link.state === "never") return { tone: "unknown", word: "unknown", meaning: "The device has never connected." };
  if (link.state === "offline") return unknownSince(word, device.lastSeenMs ?? link.sinceMs ?? 0, "The device is offline.");
  if (word === undefined || verdict === null) return { tone: "unknown", word: "unknown", meaning: "The device has not reported yet what is on its screen." };
  return verdict.sinceMs === null ? word : { ...word, sinceMs: verdict.sinceMs };
}

function unknownSince(word: Word | undefined, heardMs: number, why: string): Wall {
  const plain = { tone: "unknown", word: "unknown", meaning: why } as const;
  return word === undefined || word.word === "unknown" ? plain : { ...plain, was: { word: word.word, heardMs } };
}

/** `unknown (was showing 3 min ago)`. */
export function sentenceOf(wall: Wall, nowMs: number): string {
  return wall.was === undefined ? wall.word : `${wall.word} (was ${wall.was.word} ${age(nowMs - wall.was.heardMs)})`;
}

/** Why the last session ended, as readable text. */
export function reasonText(reason: string | null): string | undefined {
  if (reason === null) return undefined;
  return REASONS.get(reason) ?? reason;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["bye.rebooting", "it is rebooting"],
  ["bye.stopping", "its agent was stopped"],
  ["bye.shutting-down", "it was shut down"],
  ["bye.moving", "it is moving to another cloud"],
  ["bye.reconnecting", "it is reconnecting"],
  ["timeout", "it went silent"],
  ["closed", "the connection broke"],
  ["replaced", "it connected again"],
]);
