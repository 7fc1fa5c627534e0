import type { Evidence, Verdict } from "../../protocol/reported.ts";
import type { HostPicture } from "../../../player-host/contract/link-messages.ts";
import type { DisplayCapabilities } from "../../../platform/ports/display.ts";
import type { DisplayPower } from "../../../platform/ports/display-properties.ts";
import type { Output } from "../../../platform/ports/outputs.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { ScreenExpectation } from "./screen-expectation.ts";

/**
 * Judges what is visible on the screen, from independent witnesses. Pure. The main rule: **`showing` requires a player
 * that says so and no witness that contradicts it; when the decisive witness is silent, the verdict is `unknown`.**
 */

export interface ScreenWitnesses {
  readonly expectation: ScreenExpectation;
  readonly player:
    | { readonly kind: "absent"; readonly why: string }
    /**
     * `silentMs`: age of its last message. `missing`: wanted content that is not on screen, even if other content is.
     * `loaded`: the content has finished loading.
     */
    | { readonly kind: "present"; readonly picture: HostPicture; readonly silentMs: number; readonly ownScreen?: OwnScreen; readonly missing?: string; readonly loaded?: boolean };
  /** The machine's video outputs. Absent: this machine cannot report them. */
  readonly outputs?: readonly Output[];
  /** The panels that show this picture. Empty or absent: none can be queried. */
  readonly displays?: readonly DisplayWitness[];
}

/** A panel on one of our outputs. */
export interface DisplayWitness {
  readonly name: string;
  readonly power: Reading<DisplayPower>;
  readonly observedBy: DisplayCapabilities["powerObservedBy"];
  /** Only its latest reading says so; a TV can report standby once while it is lit. */
  readonly once?: boolean;
  /** Its selected input, and the input this device is connected to; either may be unknown. */
  readonly input?: Reading<string>;
  readonly ownInput?: string;
}

/** One of our own pages is on the stage. */
export interface OwnScreen {
  /** `pairing`, `offline`, `fault`, `blank`. */
  readonly name: string;
  /** The cloud wants content, but this page is shown instead. */
  readonly insteadOfContent: boolean;
}

export interface ScreenJudgement {
  readonly verdict: Verdict;
  /** 0 to 1, in steps of 0.05. */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
  /** The screen should be dark, but the available witnesses say it is lit. */
  readonly litUnexpectedly: boolean;
  /** Only one witness says so: loading is complete and frames arrive, but the capture is a single colour. That may be intended. */
  readonly alone?: boolean;
  /** Dark only by a single reading of a display, while our output has a signal: reported, but no alarm yet. */
  readonly hint?: boolean;
}

/**
 * A player silent for this long may hang, so its last message no longer describes the screen. A live player sends its
 * metrics every 30 s; one message may be lost.
 */
export const PLAYER_SILENT_MS = 75_000;
/** Highest confidence of a picture that is not the wanted content; the player host applies the same limit. */
const WRONG_CONTENT_MAX = 0.5;
/** Most evidence entries taken over from the player, because a report is bounded. */
const PLAYER_EVIDENCE_MAX = 6;
/** Most panels named in the evidence, because a report is bounded. */
const DISPLAY_EVIDENCE_MAX = 4;
const TEXT_MAX = 300;

/** Factors on the confidence when a witness is missing or unclear. */
const WEIGHT = { deafDisplay: 0.6, noDisplay: 0.85, unclearOutput: 0.8, noOutput: 0.95 } as const;

type OutputWord = { readonly kind: "lit" | "off" | "unplugged" | "unclear" | "none"; readonly says: string };
/** `elsewhere`: lit, but on another input than ours. */
type DisplayWord = { readonly kind: "lit" | "elsewhere" | "dark" | "deaf" | "none"; readonly says: string };

export function judgeScreen(witnesses: ScreenWitnesses): ScreenJudgement {
  const output = outputSays(witnesses.outputs, outputOffOf(witnesses.player));
  const { expectation, displays = [] } = witnesses;
  const words = displays.map((each) => ({ name: each.name, ...displaySays(each) }));
  const display = worstOf(words, expectation);
  const said: Evidence[] = [{
    witness: "expectation",
    says: `${expectation.expect === "none" ? "may be on or off" : `should be ${expectation.expect}`}: ${expectation.why}`.slice(0, TEXT_MAX),
  }];
  if (output.kind !== "none") said.push({ witness: "output", says: output.says });
  const heard = words.filter(({ kind }) => kind !== "none").slice(0, DISPLAY_EVIDENCE_MAX);
  said.push(...heard.map(({ name, says }) => ({ witness: "display", says: displays.length > 1 ? `${name} ${says}` : says })));
  said.push(...playerSays(witnesses.player));
  // A display that answers over the cable is not unplugged, whatever the connector says.
  const dark = display.kind === "dark" || output.kind === "off" || (output.kind === "unplugged" && display.kind !== "lit" && display.kind !== "elsewhere");
  if (dark) {
    const hint = output.kind !== "off" && output.kind !== "unplugged" && displays.every(({ once }, index) => words[index]?.kind !== "dark" || once === true);
    return { ...judgeDark(expectation, output, display, said), ...(hint && { hint }) };
  }
  return judgePicture(witnesses, output, display, said);
}

function judgeDark(expectation: ScreenExpectation, output: OutputWord, display: DisplayWord, evidence: readonly Evidence[]): ScreenJudgement {
  const bySource = display.kind === "dark" ? 0.95 : output.kind === "unplugged" ? 0.9 : 0.85;
  const weight = display.kind === "deaf" ? WEIGHT.deafDisplay : 1;
  if (expectation.expect !== "off") {
    const confidence = expectation.expect === "on" ? bySource : bySource * 0.6;
    return { verdict: "dark", confidence: step(confidence), evidence, litUnexpectedly: false };
  }
  // Our output is off but the panel is on: it shows its own "no signal" screen, which is not dark.
  if (display.kind === "lit") return { verdict: "dark", confidence: step(0.6), evidence, litUnexpectedly: true };
  // Some displays look unplugged in standby, so an empty connector also fits "off", with less confidence.
  const fit = output.kind === "unplugged" && display.kind !== "dark" ? 0.6 : 1;
  return { verdict: "dark-expected", confidence: step(bySource * weight * fit), evidence, litUnexpectedly: false };
}

function judgePicture(witnesses: ScreenWitnesses, output: OutputWord, display: DisplayWord, evidence: readonly Evidence[]): ScreenJudgement {
  const { expectation, player } = witnesses;
  if (expectation.expect === "off" && display.kind === "deaf") {
    // It should be dark but does not answer, so its state is unknown.
    return { verdict: "unknown", confidence: step(0.5), evidence, litUnexpectedly: false };
  }
  const litUnexpectedly = expectation.expect === "off" && (display.kind === "lit" || display.kind === "elsewhere" || output.kind === "lit");
  if (player.kind === "absent") return { verdict: "unknown", confidence: step(0.9), evidence, litUnexpectedly };
  if (player.silentMs > PLAYER_SILENT_MS) return { verdict: "unknown", confidence: step(0.7), evidence, litUnexpectedly };
  const { picture, ownScreen } = player;
  if (ownScreen?.name === "blank" && expectation.expect === "off" && picture.verdict === "dark") {
    // The display cannot be switched off from here; a black page is the closest to dark.
    return { verdict: "dark-expected", confidence: step(picture.confidence * 0.7), evidence, litUnexpectedly: false };
  }
  if (display.kind === "elsewhere" && picture.verdict === "showing") {
    // The panel shows another source, whose picture is unknown here.
    return { verdict: "unknown", confidence: step(0.9), evidence, litUnexpectedly };
  }
  // One of our own pages is drawn correctly, but it is not the customer's content.
  const verdict = ownScreen !== undefined && picture.verdict === "showing" ? "error-page" : picture.verdict;
  // A good picture, but not the wanted content.
  const confidence = verdict === "showing" && player.missing !== undefined ? Math.min(picture.confidence, WRONG_CONTENT_MAX) : picture.confidence;
  const heard =
    (display.kind === "deaf" ? WEIGHT.deafDisplay : display.kind === "none" ? WEIGHT.noDisplay : 1) *
    (output.kind === "unclear" ? WEIGHT.unclearOutput : output.kind === "none" ? WEIGHT.noOutput : 1);
  const alone = player.loaded === true && (verdict === "dark" || verdict === "blank");
  return { verdict, confidence: step(confidence * heard), evidence, litUnexpectedly, ...(alone && { alone }) };
}

/** What the player host learnt from the compositor: its page's output is off, so no frame reaches the glass. */
function outputOffOf(player: ScreenWitnesses["player"]): string | undefined {
  return player.kind === "present" && player.silentMs <= PLAYER_SILENT_MS ? player.picture.outputOff : undefined;
}

/** The kernel may still report a signal, or have nothing to report; the player host has seen that no frame comes through. */
function outputSays(outputs: readonly Output[] | undefined, outputOff: string | undefined): OutputWord {
  const kernel = kernelSays(outputs);
  if (outputOff === undefined || kernel.kind === "off" || kernel.kind === "unplugged") return kernel;
  return { kind: "off", says: `output off: ${outputOff}, says the compositor`.slice(0, TEXT_MAX) };
}

function kernelSays(outputs: readonly Output[] | undefined): OutputWord {
  if (outputs === undefined) return { kind: "none", says: "" };
  if (outputs.length === 0) return { kind: "unclear", says: "this machine reports no output" };
  const plugged = outputs.filter(({ connected }) => connected.kind === "ok" && connected.value);
  if (plugged.length === 0) {
    const sure = outputs.every(({ connected }) => connected.kind === "ok");
    return sure ? { kind: "unplugged", says: "no display is connected" } : { kind: "unclear", says: "cannot tell whether a display is connected" };
  }
  const names = plugged.map(({ name }) => name).join(", ").slice(0, TEXT_MAX / 2);
  const off = ({ dpms, enabled }: Output): boolean => (dpms.kind === "ok" && dpms.value === "off") || (enabled.kind === "ok" && !enabled.value);
  if (plugged.every(off)) return { kind: "off", says: `${names}: connected, but the signal is off` };
  const known = plugged.some(({ dpms }) => dpms.kind === "ok" && dpms.value === "on");
  return known ? { kind: "lit", says: `${names}: connected, with a signal` } : {
    kind: "unclear",
    says: `${names}: connected; cannot tell whether there is a signal`,
  };
}

/** Ordered worst first: one dark panel among several makes the screen dark. */
const WORST_WHEN_ON = ["dark", "elsewhere", "deaf", "lit"] as const;
const WORST_WHEN_OFF = ["lit", "elsewhere", "deaf", "dark"] as const;

function worstOf(words: readonly DisplayWord[], { expect }: ScreenExpectation): DisplayWord {
  const order = expect === "off" ? WORST_WHEN_OFF : WORST_WHEN_ON;
  return order.map((kind) => words.find((word) => word.kind === kind)).find((word) => word !== undefined) ?? { kind: "none", says: "" };
}

function displaySays(display: DisplayWitness): DisplayWord {
  if (display.observedBy === "nothing" || display.power.kind === "unsupported") return { kind: "none", says: "" };
  const { power } = display;
  if (power.kind === "unknown") return { kind: "deaf", says: `does not say whether it is on: ${power.why}`.slice(0, TEXT_MAX) };
  if (power.kind === "failed") return { kind: "deaf", says: `does not answer: ${power.error.message}`.slice(0, TEXT_MAX) };
  // A panel shows nothing during a power transition.
  if (power.value !== "on") return { kind: "dark", says: `says it is ${power.value}` };
  const { input, ownInput } = display;
  if (ownInput !== undefined && input?.kind === "ok" && input.value !== ownInput) {
    return { kind: "elsewhere", says: `is on, but shows input ${input.value}; this device is on ${ownInput}` };
  }
  return { kind: "lit", says: "says it is on" };
}

function playerSays(player: ScreenWitnesses["player"]): readonly Evidence[] {
  if (player.kind === "absent") return [{ witness: "player", says: `is not connected: ${player.why}`.slice(0, TEXT_MAX) }];
  if (player.silentMs > PLAYER_SILENT_MS) return [{ witness: "player", says: `has said nothing for over ${PLAYER_SILENT_MS / 1000} s; it may hang` }];
  const own = player.picture.evidence.slice(0, PLAYER_EVIDENCE_MAX).map(({ witness, says }) => ({ witness: `player.${code(witness)}`, says: says.slice(0, TEXT_MAX) }));
  const { ownScreen } = player;
  const instead = ownScreen === undefined ? [] : [{ witness: "content", says: ownScreen.insteadOfContent ? `our ${ownScreen.name} page is shown instead` : `our ${ownScreen.name} page is on; no content is assigned` }];
  const missing = player.missing === undefined ? [] : [{ witness: "content", says: player.missing.slice(0, TEXT_MAX) }];
  return [{ witness: "player", says: `says ${player.picture.verdict}` }, ...instead, ...missing, ...own];
}

/** A witness's name, which the player chooses freely, as a code. */
function code(name: string): string {
  const clean = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return clean === "" ? "witness" : clean.slice(0, 40).replace(/-+$/, "");
}

/** Rounds to steps of 0.05, so that small fluctuations cause no new report. */
function step(confidence: number): number {
  return Math.round(Math.min(1, Math.max(0, confidence)) * 20) / 20;
}
