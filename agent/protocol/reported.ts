import * as v from "valibot";
import { BrowserReportSchema } from "../../player-host/contract/browser-report.ts";
import { DesiredReportSchema } from "./desired.ts";
import { DisplayReportSchema } from "./display-values.ts";
import { REGULATORS } from "./rules.ts";
import { CodeSchema, CountSchema, JsonObjectSchema, JsonSchema, PercentSchema, readingOf, TextSchema, WallMsSchema } from "./values.ts";

/** Verdicts on what the screen shows. */
export const VERDICTS = ["showing", "dark-expected", "dark", "frozen", "error-page", "blank", "unknown"] as const;
export const VerdictSchema = v.picklist(VERDICTS);
export type Verdict = v.InferOutput<typeof VerdictSchema>;

/** One fact behind a verdict: what a witness said. */
export const EvidenceSchema = v.object({ witness: CodeSchema, says: TextSchema });
export type Evidence = v.InferOutput<typeof EvidenceSchema>;

export const ScreenReportSchema = v.object({
  verdict: VerdictSchema,
  /** 0 to 1: how well the available witnesses agree, and how many there were. */
  confidence: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  /** Start of this verdict, device wall clock. */
  sinceMs: WallMsSchema,
  evidence: v.array(EvidenceSchema),
});
export type ScreenReport = v.InferOutput<typeof ScreenReportSchema>;

/** State of the player. */
export const PlayerReportSchema = v.variant("kind", [
  v.object({ kind: v.literal("absent"), why: TextSchema }),
  v.object({ kind: v.literal("idle"), shell: v.string(), screen: v.string() }),
  v.object({ kind: v.literal("loading"), shell: v.string(), content: v.string(), sinceMs: WallMsSchema }),
  v.object({ kind: v.literal("playing"), shell: v.string(), content: v.string(), sinceMs: WallMsSchema }),
  v.object({ kind: v.literal("failed"), shell: v.string(), content: v.string(), error: TextSchema }),
]);
export type PlayerReport = v.InferOutput<typeof PlayerReportSchema>;

/** Condition of the machine. Figures that change all the time (temperature, clock, pressure) are telemetry. */
export const MachineReportSchema = v.looseObject({
  /** Id of the machine's present boot. */
  bootId: v.string(),
  /** Whether the supply voltage is too low. */
  undervoltage: readingOf(v.boolean()),
  /** What slows the processor down. */
  throttling: readingOf(v.object({ frequencyCapped: v.boolean(), throttled: v.boolean(), hot: v.boolean() })),
  storage: v.looseObject({
    /** Disk of the agent's data. */
    device: readingOf(v.string()),
    card: readingOf(v.object({ kind: v.picklist(["sd", "mmc"]), name: v.string(), serial: v.string(), made: v.string(), manufacturer: v.string() })),
    /** Used share of the card's rated life: the upper end of a step of 10; 110 is beyond it. */
    lifeUsedPercent: readingOf(CountSchema),
    /** The card's blocks in reserve: `warning` from 80 % used, `urgent` from 90 %. */
    reserve: readingOf(v.picklist(["normal", "warning", "urgent"])),
    /** File systems with recorded errors; `count` is rounded down to a power of ten. */
    fileSystems: readingOf(v.array(v.object({ name: v.string(), count: CountSchema, firstMs: v.optional(WallMsSchema) }))),
  }),
});

/**
 * The reported state. Every part is optional so that a patch has the same schema; the cloud keeps unknown parts. A value
 * that could not be observed is a `Reading` that says so.
 */
export const ReportedDocumentSchema = v.looseObject({
  agent: v.optional(v.looseObject({ version: v.string(), adapter: v.string(), startedMs: WallMsSchema, name: v.optional(v.string()) })),
  screen: v.optional(ScreenReportSchema),
  player: v.optional(PlayerReportSchema),
  /** The browser in use; kept while the player host is away. */
  browser: v.optional(BrowserReportSchema),
  /** State that the customer's page reports with `reportState`. */
  page: v.optional(JsonObjectSchema),
  display: v.optional(DisplayReportSchema),
  /** The displays other than the first, by name. */
  displays: v.optional(v.record(v.string(), DisplayReportSchema)),
  outputs: v.optional(v.record(v.string(), v.looseObject({ connected: readingOf(v.boolean()), dpms: readingOf(v.picklist(["on", "off"])) }))),
  audio: v.optional(v.object({ volume: readingOf(PercentSchema), mute: readingOf(v.boolean()) })),
  gpio: v.optional(v.record(v.string(), v.picklist([0, 1]))),
  network: v.optional(v.looseObject({ interfaces: JsonSchema })),
  /** The release that runs, the one it would go back to, the one on trial, the last that was confirmed and the last that went back. Absent where nothing updates the software. */
  software: v.optional(v.looseObject({
    running: v.string(), confirmed: v.string(),
    trial: v.optional(v.object({ version: v.string(), job: v.string() })),
    lastConfirmed: v.optional(v.object({ version: v.string(), job: v.string() })),
    lastFailed: v.optional(v.object({ version: v.string(), job: v.string(), code: CodeSchema, message: TextSchema })),
  })),
  machine: v.optional(MachineReportSchema),
  clock: v.optional(v.object({ quality: v.picklist(["unset", "local", "synced"]), timeZone: readingOf(v.string()) })),
  schedule: v.optional(v.object({ now: v.picklist(["on", "off", "none"]), nextMs: v.optional(WallMsSchema) })),
  /** The local rules in force by id: their state, and which of their sides fired last. */
  rules: v.optional(v.record(v.string(), v.object({ state: v.picklist(["off", "unknown", "idle", "active"]), inForce: v.optional(v.picklist(["do", "otherwise"])) }))),
  /** For each key that several compete for (`display.power`, `content`): what is wanted, who decided, and why. */
  regulators: v.optional(v.record(v.string(), v.object({
    wanted: v.optional(JsonSchema), by: v.picklist(REGULATORS), why: TextSchema, rule: v.optional(v.string()), untilMs: v.optional(WallMsSchema),
  }))),
  /** Bytes on disk, and by stream the records dropped since the agent's start, as in gap records. */
  outbox: v.optional(v.looseObject({ bytes: CountSchema, dropped: v.record(v.string(), CountSchema) })),
  /** Unhealthy parts of the agent, by name. */
  health: v.optional(v.record(v.string(), v.object({ code: CodeSchema, message: TextSchema }))),
  desired: v.optional(DesiredReportSchema),
});
export type ReportedDocument = v.InferOutput<typeof ReportedDocumentSchema>;
