import type { Outbox } from "../outbox/outbox.ts";
import { CHOICES_REPORTED_MAX, type DisplayReport } from "../../protocol/display-values.ts";
import type { ReportedDocument } from "../../protocol/reported.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Display } from "../../../platform/ports/display.ts";
import { DISPLAY_PROPERTY_NAMES, PERCENT_PROPERTIES, propertyRow, type DisplayStatus } from "../../../platform/ports/display-properties.ts";
import type { Gpio } from "../../../platform/ports/gpio.ts";
import type { NetworkInterface } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Output } from "../../../platform/ports/outputs.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { bucketedBytes } from "./bucket.ts";
import { machineSection } from "./machine-section.ts";
import type { ManagedDisplay } from "./managed-display.ts";
import type { Reporter } from "./reporter.ts";
import { runAll } from "./run-all.ts";
import { untilAborted } from "./until-aborted.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import { wireReading, type WireReading } from "./wire-reading.ts";

export interface HardwareReporterDeps {
  readonly platform: Pick<PlatformAdapter, "outputs" | "audio" | "gpio" | "network" | "clock" | "power" | "probe">;
  readonly displays: readonly ManagedDisplay[];
  readonly outbox: Pick<Outbox, "status">;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Called with the machine's time zone at each poll; `undefined` when unknown. */
  readonly onTimeZone?: (zone: string | undefined) => void;
}

/** Poll interval, also of parts that announce their changes. Jittered by ±10 %. */
export const POLL_MS = 60_000;
/** Poll interval of GPIO levels. Shorter, because inputs may be buttons; their edges reach the page without polling. */
export const GPIO_POLL_MS = 15_000;
/** A read that takes longer counts as failed. */
const LOOK_DEADLINE_MS = 10_000;
/** The outbox size changes with every record, so it is reported as a power of two, or as 0 below this. */
const OUTBOX_FLOOR_BYTES = 1024 * 1024;

/**
 * Reports the state of the hardware: at once when a part announces a change, otherwise by slow polling. Every change is
 * sent, so fluctuating values are rounded or left out. Each part has its own loop: one that hangs does not delay the
 * others, and its section is removed until it answers.
 */
export class HardwareReporter {
  readonly #deps: HardwareReporterDeps;
  /** Last report of each display but the first. */
  readonly #others = new Map<string, DisplayReport>();

  constructor(deps: HardwareReporterDeps) {
    this.#deps = deps;
  }

  run(signal: AbortSignal): Promise<void> {
    const { platform, displays, outbox } = this.#deps;
    const { outputs, audio, gpio, network, clock } = platform;
    const parts: ((stop: AbortSignal) => Promise<void>)[] = [
      this.#part(
        "network",
        POLL_MS,
        async () => networkSection(await network.interfaces(), await network.gateway()),
        (changed) => network.onChange(changed),
      ),
      this.#part("clock", POLL_MS, async () => {
        const timeZone = await clock.timeZone();
        this.#deps.onTimeZone?.(timeZone.kind === "ok" ? timeZone.value : undefined);
        return { quality: await clock.quality(), timeZone: wireReading(timeZone) };
      }),
      this.#part("machine", POLL_MS, () => machineSection(platform)),
      this.#part("outbox", POLL_MS, () => Promise.resolve(outboxSection(outbox.status()))),
    ];
    parts.push(...displays.map((display) => this.#displayPart(display)));
    if (outputs !== undefined) parts.push(this.#part(
      "outputs",
      POLL_MS,
      async () => outputsSection(await outputs.list()),
      (changed) => outputs.onChange(changed),
    ));
    if (audio !== undefined) parts.push(this.#part(
      "audio",
      POLL_MS,
      async () => {
        // Together, so that one look at the sound server answers both.
        const [volume, mute] = await Promise.all([audio.volume(), audio.mute()]);
        return { volume: wholePercent(wireReading(volume)), mute: wireReading(mute) };
      },
    ));
    if (gpio !== undefined) parts.push(this.#part(
      "gpio",
      GPIO_POLL_MS,
      async () => gpioSection(await gpio.lines()),
    ));
    return runAll(signal, parts);
  }

  /** The first display has its own section; the others share one. Each has its own loop. */
  #displayPart({ name, path, status, display }: ManagedDisplay): (signal: AbortSignal) => Promise<void> {
    const look = async (): Promise<DisplayReport> => displaySection(await status.get(POLL_MS / 2), display);
    const onChange = (changed: () => void): (() => void) => status.onNews(changed);
    if (path === "display") return this.#part("display", POLL_MS, look, onChange);
    const inOthers = async (): Promise<Readonly<Record<string, DisplayReport>>> => {
      this.#others.set(name, await look());
      return Object.fromEntries(this.#others);
    };
    return this.#part("displays", POLL_MS, inOthers, onChange);
  }

  #part<S extends keyof ReportedDocument & string>(
    section: S,
    everyMs: number,
    look: () => Promise<ReportedDocument[S]>,
    onChange?: (changed: () => void) => () => void,
  ): (signal: AbortSignal) => Promise<void> {
    const { timers, random, reporter } = this.#deps;
    return async (signal) => {
      const wake = new Wake();
      const undo = onChange?.(() => wake.ring());
      try {
        while (!signal.aborted) {
          const seen = await untilAborted(this.#look(section, look), signal);
          if (signal.aborted) return;
          if (seen !== undefined) reporter.set(section, seen.value);
          await wake.wait(timers, `hardware.${section}`, everyMs * (0.9 + 0.2 * random.next()), signal);
        }
      } finally {
        undo?.();
      }
    };
  }

  async #look<T>(section: string, look: () => Promise<T>): Promise<{ readonly value: T | undefined } | undefined> {
    const { timers, log } = this.#deps;
    try {
      return { value: await withDeadline(timers, `hardware.${section}.look`, LOOK_DEADLINE_MS, look()) };
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      log.warn({ section }, "a part of the hardware does not answer; it is left out of the report until it does");
      return { value: undefined };
    }
  }
}

function displaySection(status: DisplayStatus, { memory, choices }: Pick<Display, "memory" | "choices">): DisplayReport {
  const readings = DISPLAY_PROPERTY_NAMES.filter((name) => propertyRow(name).alwaysReported === true || status[name].kind !== "unsupported")
    .map((name) => [name, PERCENT_PROPERTIES.includes(name) ? wholePercent(wireReading<unknown>(status[name])) : wireReading<unknown>(status[name])]);
  const methods = memory?.known() ?? {};
  const now = Object.entries(choices?.() ?? {}).map(([name, values]) => [name, values.slice(0, CHOICES_REPORTED_MAX).map(String)]);
  return {
    ...(Object.fromEntries(readings) as DisplayReport),
    ...(now.length > 0 && { choices: Object.fromEntries(now) as Record<string, string[]> }),
    ...(Object.keys(methods).length > 0 && { methods: { ...methods } }),
  };
}

/** Within the range of the wire: a mixer may amplify beyond 100 percent. */
function wholePercent<T>(reading: WireReading<T>): WireReading<T | number> {
  const isLevel = reading.kind === "ok" && typeof reading.value === "number";
  return isLevel ? { kind: "ok", value: Math.min(100, Math.max(0, Math.round(Number(reading.value)))) } : reading;
}

function outputsSection(outputs: readonly Output[]): ReportedDocument["outputs"] {
  return Object.fromEntries(
    outputs.map(({ name, connected, enabled, mode, dpms, edid }) => [
      name,
      { connected: wireReading(connected), dpms: wireReading(dpms), enabled: wireReading(enabled), mode: wireReading(mode), edid: wireReading(edid) },
    ]),
  );
}

/** Only levels that are known: those of lines that the agent holds. */
function gpioSection(lines: Awaited<ReturnType<Gpio["lines"]>>): ReportedDocument["gpio"] {
  return lines.ok ? Object.fromEntries(lines.value.flatMap(({ name, level }) => (level === undefined ? [] : [[name, level] as const]))) : undefined;
}

function networkSection(interfaces: Reading<readonly NetworkInterface[]>, gateway: Reading<string>): ReportedDocument["network"] {
  // Without the byte counters, which change with every packet; telemetry reports them as rates.
  const facts = (each: NetworkInterface): [string, JsonObject] => [
    each.name,
    { kind: each.kind, up: each.up, mac: each.mac, addresses: [...each.addresses].sort() },
  ];
  const seen: Json = interfaces.kind === "ok" ? Object.fromEntries(interfaces.value.map(facts)) : ({ ...wireReading(interfaces) } as JsonObject);
  return { interfaces: seen, gateway: wireReading(gateway) };
}

function outboxSection(status: ReturnType<Outbox["status"]>): ReportedDocument["outbox"] {
  return {
    bytes: bucketedBytes(status.usage.bytes, OUTBOX_FLOOR_BYTES),
    dropped: { ...status.counters.dropped },
    ...(status.degraded === undefined ? {} : { degraded: status.degraded }),
  };
}

