import * as v from "valibot";
import { DEBOUNCE_MAX_MS, PULSE_MAX_MS } from "../../platform/ports/gpio.ts";
import { ContentSchema } from "./content.ts";
import { DisplayNameSchema } from "./display-values.ts";
import { ScheduleSchema } from "./schedule.ts";
import { JsonSchema } from "./values.ts";

/** Local rules: `rules` of the desired document. Each joins inputs of the device to effects on it, without the cloud. */

export const RULES_MAX = 32;
export const RULE_INPUTS_MAX = 4;
export const RULE_EFFECTS_MAX = 4;
export const RULE_CONTENTS_MAX = 8;
/** Debounce time of a line, unless the rule sets another. The same as for `gpio.inputs`, so that both can watch one line. */
export const RULE_DEBOUNCE_MS = 30;
/** In place of a value: the rule lets go, and what the document says counts again. */
export const AS_DOCUMENT = "document";

const NameSchema = v.pipe(v.string(), v.maxLength(32), v.regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "must be lower-case words of letters and digits joined by '-'"));
const LineSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const LevelSchema = v.picklist([0, 1]);

/** What a rule waits for. */
export const RuleInputSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("line"),
    /** Name of a GPIO line, which becomes an input. */
    line: LineSchema,
    /** Level that counts as present. Default: 1. */
    active: v.optional(LevelSchema),
    pull: v.optional(v.picklist(["none", "up", "down"])),
    /** Default: 30. */
    debounceMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(DEBOUNCE_MAX_MS))),
  }),
  /** A key of the TV's remote control that the TV passes on; its name is checked on the device. Present only for a moment. */
  v.strictObject({ kind: v.literal("cec-key"), key: NameSchema }),
  /** Present during these weekly windows of local time. */
  v.strictObject({ kind: v.literal("time"), ...ScheduleSchema.entries }),
]);
export type RuleInput = v.InferOutput<typeof RuleInputSchema>;

export const RuleEffectSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("display-power"),
    power: v.picklist(["on", "standby", AS_DOCUMENT]),
    /** Default: the first display. */
    display: v.optional(DisplayNameSchema),
    /** `person`: somebody pressed for this, so it counts like a command, and other rules do not undo it. Default: `rule`. */
    by: v.optional(v.picklist(["rule", "person"])),
  }),
  v.strictObject({ kind: v.literal("page-message"), message: JsonSchema }),
  /** A name in `contents`. */
  v.strictObject({ kind: v.literal("content"), content: NameSchema }),
  v.strictObject({
    kind: v.literal("line"),
    line: LineSchema,
    level: LevelSchema,
    /** Drives the opposite level after this time. Absent: the level stays. */
    pulseMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(PULSE_MAX_MS))),
  }),
]);
export type RuleEffect = v.InferOutput<typeof RuleEffectSchema>;

export const RuleSchema = v.strictObject({
  id: NameSchema,
  /** Any of these makes the rule active. */
  when: v.pipe(v.array(RuleInputSchema), v.minLength(1), v.maxLength(RULE_INPUTS_MAX)),
  /** Outside these weekly windows the rule does nothing and wants nothing. */
  during: v.optional(ScheduleSchema),
  /** Carried out when the rule becomes active. */
  do: v.pipe(v.array(RuleEffectSchema), v.minLength(1), v.maxLength(RULE_EFFECTS_MAX)),
  /** Carried out when it has not been active for `quietMs`. */
  otherwise: v.optional(v.pipe(v.array(RuleEffectSchema), v.minLength(1), v.maxLength(RULE_EFFECTS_MAX))),
  /** Time without any of `when` until the rule is over and may fire again. At most a day; default: 0. */
  quietMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(86_400_000))),
  /** Most firings an hour. Default: 30 for a rule that switches a display, else 600. */
  perHourMax: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(600))),
});
export type Rule = v.InferOutput<typeof RuleSchema>;

export const RulesSchema = v.strictObject({
  /** Content that rules choose, by name. `document` means the document's own. */
  contents: v.optional(v.pipe(v.record(NameSchema, ContentSchema), v.maxEntries(RULE_CONTENTS_MAX))),
  table: v.pipe(v.array(RuleSchema), v.maxLength(RULES_MAX)),
});
export type Rules = v.InferOutput<typeof RulesSchema>;

/** Regulators of a display's power or of the content, strongest first; see docs/architecture.md. `nobody`: nothing is wanted. */
export const REGULATORS = ["command", "remote", "person", "schedule", "rule", "document", "nobody"] as const;
export type Regulator = (typeof REGULATORS)[number];
