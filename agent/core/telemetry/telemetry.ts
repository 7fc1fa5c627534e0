import { TELEMETRY_METRICS } from "../../protocol/desired.ts";
import type { TelemetryBurst } from "../commands/services.ts";
import type { ConfigValues } from "../config/config-table.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import type { Setting } from "../state/keys/setting-keys.ts";
import { untilAborted } from "../state/until-aborted.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { NetworkControl, SystemProbe } from "../../../platform/ports/host.ts";
import type { StorageTrial } from "../../../platform/ports/machine-facts.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { PlayerMetrics } from "./player-metrics.ts";
import { RollupWindow } from "./rollup.ts";
import { createSamplers, type Sampler, type TelemetryMetric } from "./samplers.ts";

export interface TelemetryIntervals {
  readonly intervalsMs: Readonly<Record<TelemetryMetric, number>>;
  readonly rollupMs: number;
}

export interface TelemetryDeps {
  readonly probe: SystemProbe;
  readonly network: NetworkControl;
  /** The newest trial of the storage; `undefined` before the first. */
  readonly storageTrial: () => Reading<StorageTrial> | undefined;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Initial intervals; desired state may change them at run time. */
  readonly config: ConfigValues;
}

/** A probe that takes longer yields no sample this time. */
const SAMPLE_DEADLINE_MS = 5_000;

export function configuredIntervals(values: ConfigValues): TelemetryIntervals {
  return {
    intervalsMs: {
      cpu: values["telemetry.cpuMs"],
      load: values["telemetry.loadMs"],
      memory: values["telemetry.memoryMs"],
      disk: values["telemetry.diskMs"],
      temperature: values["telemetry.temperatureMs"],
      network: values["telemetry.networkMs"],
      uptime: values["telemetry.uptimeMs"],
      clock: values["telemetry.clockMs"],
      supply: values["telemetry.supplyMs"],
      pressure: values["telemetry.pressureMs"],
      storage: values["telemetry.storageMs"],
      player: values["telemetry.playerMs"],
    },
    rollupMs: values["telemetry.rollupMs"],
  };
}

/**
 * Samples the machine, each metric group at its own interval, and puts one small record per rollup interval into the
 * outbox. A single timer drives everything, and all intervals count from the same instant, so that samplers whose
 * intervals divide each other run together and an idle device wakes up once, not eight times.
 */
export class Telemetry implements TelemetryBurst, Setting<JsonObject> {
  readonly #deps: TelemetryDeps;
  readonly #samplers: Readonly<Record<TelemetryMetric, Sampler>>;
  readonly #player: PlayerMetrics;
  readonly #configured: TelemetryIntervals;
  readonly #window = new RollupWindow();
  readonly #wake = new Wake();
  /** Samplers still running; they are not started again until they finish. */
  readonly #looking = new Set<TelemetryMetric>();
  #intervals: TelemetryIntervals;
  #setting: JsonObject | undefined;
  #burst: { readonly intervalMs: number; readonly endMs: number } | undefined;
  /** Monotonic time from which intervals count. */
  #originMs = 0;
  #rolledMs = 0;
  #refused = 0;

  private constructor(deps: TelemetryDeps) {
    this.#deps = deps;
    this.#configured = configuredIntervals(deps.config);
    this.#intervals = this.#configured;
    this.#player = new PlayerMetrics(deps.clock);
    this.#samplers = createSamplers({ ...deps, playerMetrics: () => this.#player.newest() });
  }

  static create(deps: TelemetryDeps): Telemetry {
    return new Telemetry(deps);
  }

  /** Takes the player's own metrics, which are then sampled like the others. */
  playerMetrics(metrics: Readonly<Record<string, number>>): void {
    this.#player.take(metrics);
  }

  /** Rollup records that the outbox refused, and dropped samples. */
  counters(): { readonly refusedRecords: number; readonly droppedSamples: number } {
    return { refusedRecords: this.#refused, droppedSamples: this.#window.dropped };
  }

  /** The setting last applied; `undefined` before the first. */
  current(): JsonObject | undefined {
    return this.#setting;
  }

  /** Applies `telemetry` of the desired document, already validated. Absent intervals are the configured ones. */
  set(value: JsonObject): Promise<Result<void>> {
    const given = value["intervalsMs"];
    const rollupMs = value["rollupMs"];
    const intervalsMs = { ...this.#configured.intervalsMs };
    for (const metric of TELEMETRY_METRICS) {
      const ms = isJsonObject(given) ? given[metric] : undefined;
      if (typeof ms === "number") intervalsMs[metric] = ms;
    }
    this.#setting = value;
    this.#intervals = { intervalsMs, rollupMs: typeof rollupMs === "number" ? rollupMs : this.#configured.rollupMs };
    this.#wake.ring();
    return Promise.resolve(ok(undefined));
  }

  start(durationMs: number, intervalMs: number): { readonly untilMs: number } {
    const { clock } = this.#deps;
    this.#burst = { intervalMs, endMs: clock.monotonicMs() + durationMs };
    this.#wake.ring();
    return { untilMs: clock.wallMs() + durationMs };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#deps;
    this.#originMs = clock.monotonicMs();
    this.#rolledMs = this.#originMs;
    // Sample at once: rates need a first reading.
    let lookedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs();
      if (this.#burst !== undefined && nowMs >= this.#burst.endMs) this.#endBurst();
      const due = TELEMETRY_METRICS.filter((metric) => this.#lastTickMs(this.#intervalOf(metric), nowMs) > lookedMs);
      lookedMs = nowMs;
      if (due.length > 0) await untilAborted(Promise.all(due.map((metric) => this.#sample(metric))), signal);
      if (signal.aborted) return;
      if (this.#lastTickMs(this.#rollupMs(), nowMs) > this.#rolledMs) await untilAborted(this.#roll(nowMs), signal);
      await this.#wake.wait(timers, "telemetry.tick", this.#nextTickMs(lookedMs) - clock.monotonicMs(), signal);
    }
  }

  #endBurst(): void {
    this.#burst = undefined;
    this.#deps.log.info({}, "the telemetry burst ended");
  }

  #intervalOf(metric: TelemetryMetric): number {
    return this.#burst?.intervalMs ?? this.#intervals.intervalsMs[metric];
  }

  #rollupMs(): number {
    return this.#burst?.intervalMs ?? this.#intervals.rollupMs;
  }

  /** The last multiple of the interval, counted from the origin, at or before `nowMs`. */
  #lastTickMs(intervalMs: number, nowMs: number): number {
    return this.#originMs + Math.floor((nowMs - this.#originMs) / intervalMs) * intervalMs;
  }

  #nextTickMs(lookedMs: number): number {
    const intervals = [...TELEMETRY_METRICS.map((metric) => this.#intervalOf(metric)), this.#rollupMs()];
    const nextMs = Math.min(...intervals.map((intervalMs) => this.#lastTickMs(intervalMs, lookedMs) + intervalMs));
    return Math.min(nextMs, this.#burst?.endMs ?? nextMs);
  }

  async #sample(metric: TelemetryMetric): Promise<void> {
    const { timers, log } = this.#deps;
    if (this.#looking.has(metric)) return;
    this.#looking.add(metric);
    const look = this.#samplers[metric]();
    const ended = (): void => void this.#looking.delete(metric);
    look.then(ended, ended);
    try {
      const values = await withDeadline(timers, `telemetry.${metric}`, SAMPLE_DEADLINE_MS, look);
      for (const [name, value] of Object.entries(values)) this.#window.add(name, value);
    } catch (thrown) {
      // A probe that hangs or throws loses only its own sample.
      if (!(thrown instanceof TimeoutError)) log.error({ metric, error: messageOf(thrown) }, "a telemetry probe threw: a bug");
    }
  }

  async #roll(nowMs: number): Promise<void> {
    const intervalMs = Math.round(nowMs - this.#rolledMs);
    this.#rolledMs = nowMs;
    const metrics = this.#window.take();
    if (metrics === undefined) return;
    const body = { intervalMs, metrics: Object.fromEntries(Object.entries(metrics).map(([name, rollup]) => [name, { ...rollup }])) };
    const stored = await this.#deps.sink.append({ stream: "metric", kind: "telemetry", body, source: "telemetry" });
    // The outbox counts it in a gap record; a metric is not worth a retry.
    if (!stored.ok) this.#refused += 1;
  }
}
