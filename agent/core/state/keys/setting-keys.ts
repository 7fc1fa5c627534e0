import type { Content } from "../../../protocol/content.ts";
import type { DesiredDocument } from "../../../protocol/desired.ts";
import type { Schedule } from "../../../protocol/schedule.ts";
import { plainIssueIn } from "../../../protocol/plain-address.ts";
import type { Clock } from "../../../../platform/ports/clock.ts";
import { seen, type Reading } from "../../../../platform/ports/reading.ts";
import type { Issue, Result } from "../../../../platform/ports/result.ts";
import { canonicalJson, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import { maskValues } from "../../../../platform/runtime/redact.ts";
import type { ScheduleAnswer } from "../../schedule/schedule-answer.ts";
import type { Comparison } from "../../../../platform/ports/comparison.ts";
import type { DesiredKeyHandler, KeyOutcome } from "../desired-key.ts";

/** A setting inside the agent, which can always be read back. */
export interface Setting<T> {
  current(): T | undefined;
  set(value: T): Promise<Result<void>>;
}

/**
 * A part of the agent that applies a key itself and takes a while: content, the move to another cloud. Observed and
 * wanted values have the same shape.
 */
export interface KeyTarget<T> {
  observe(signal: AbortSignal): Promise<Reading<T>>;
  apply(value: T, signal: AbortSignal): Promise<KeyOutcome>;
  /** Default: equal as JSON. */
  compare?(wanted: T, observed: T): Comparison;
  /** See `DesiredKeyHandler`. */
  atRest?(): void;
}

/** `telemetry`: sampling intervals and rollup length. */
export function telemetryKey(clock: Clock, setting: Setting<JsonObject>): DesiredKeyHandler {
  return settingKey(clock, "telemetry", ({ telemetry }) => telemetry as JsonObject | undefined, setting);
}

/** `log.level`. */
export function logLevelKey(clock: Clock, setting: Setting<string>): DesiredKeyHandler {
  return settingKey(clock, "log.level", ({ log }) => log?.level, setting);
}

/** `cloud.uploadHosts`. `hosts` reads the document in force, so the key is applied as soon as that is. */
export function uploadHostsKey(clock: Clock, hosts: () => readonly string[]): DesiredKeyHandler {
  const setting: Setting<Json> = { current: () => [...hosts()], set: () => Promise.resolve({ ok: true, value: undefined }) };
  return settingKey(clock, "cloud.uploadHosts", ({ cloud }) => cloud?.uploadHosts, setting);
}

/** `player.config`: handed to the customer's page. Any value in it may be a secret, so none is reported. */
export function playerConfigKey(clock: Clock, setting: Setting<JsonObject>): DesiredKeyHandler {
  const shown: Setting<JsonObject> = {
    current: () => {
      const value = setting.current();
      return value === undefined ? undefined : (maskValues(value) as JsonObject);
    },
    set: (value) => setting.set(value),
  };
  return { ...settingKey(clock, "player.config", ({ player }) => player?.config, shown), compare: (wanted) => sameJson(wanted, setting.current() ?? null) };
}

/** `content`: what plays. The target observes what plays now, whatever the cloud wants. */
export function contentKey(target: KeyTarget<Content>): DesiredKeyHandler {
  return targetKey("content", ({ content }) => content, target);
}

/** `cloud.endpoints`: the move to another cloud, tried, confirmed or undone by the target. */
export function endpointsKey(target: KeyTarget<readonly string[]>, plainAllowed = false): DesiredKeyHandler {
  const handler = targetKey("cloud.endpoints", ({ cloud }) => cloud?.endpoints, target);
  return {
    ...handler,
    wanted: (document) => {
      const error = plainIssueIn(document.cloud?.endpoints ?? [], plainAllowed);
      return error === undefined ? handler.wanted(document) : { kind: "refused", error };
    },
  };
}

/** `schedule`: refused when this machine does not know its time zone; a remark says when nothing follows it. */
export function scheduleKey(clock: Clock, setting: Setting<Schedule>, says: (schedule: Schedule) => ScheduleAnswer): DesiredKeyHandler {
  const handler = settingKey(clock, "schedule", ({ schedule }) => schedule as unknown as Json | undefined, setting as unknown as Setting<Json>);
  return {
    ...handler,
    wanted: (document) => {
      const answer = document.schedule === undefined ? undefined : says(document.schedule);
      return answer?.kind === "refused" ? { kind: "refused", error: answer.error } : handler.wanted(document);
    },
    remark: ({ display }): Issue | undefined =>
      display?.power === "schedule"
        ? undefined
        : { code: "schedule.not-followed", message: 'display.power is not "schedule": the display does not follow the schedule' },
  };
}

function settingKey<T extends Json>(
  clock: Clock,
  key: string,
  wantedOf: (document: DesiredDocument) => T | undefined,
  setting: Setting<T>,
): DesiredKeyHandler {
  const observe = (): Reading<Json> => {
    const value = setting.current();
    return value === undefined ? { kind: "unknown", why: "it has not been set yet" } : seen<Json>(value, clock.monotonicMs());
  };
  return {
    key,
    lane: `setting.${key}`,
    wanted: (document) => {
      const value = wantedOf(document);
      return value === undefined ? undefined : { kind: "value", value };
    },
    observe: () => Promise.resolve(observe()),
    apply: async (value) => {
      const set = await setting.set(value as T);
      if (!set.ok) return { kind: "effect", effect: { attempted: true, acknowledged: false, observed: observe(), error: set.error } };
      return { kind: "effect", effect: { attempted: true, acknowledged: true, observed: observe() } };
    },
    compare: sameJson,
  };
}

function targetKey<T extends Content | readonly string[]>(
  key: string,
  wantedOf: (document: DesiredDocument) => T | undefined,
  target: KeyTarget<T>,
): DesiredKeyHandler {
  return {
    key,
    lane: key,
    wanted: (document) => {
      const value = wantedOf(document);
      return value === undefined ? undefined : { kind: "value", value: value as unknown as Json };
    },
    observe: (signal) => target.observe(signal),
    apply: (value, signal) => target.apply(value as unknown as T, signal),
    compare: (wanted, observed) => target.compare?.(wanted as unknown as T, observed as unknown as T) ?? sameJson(wanted, observed),
    atRest: () => target.atRest?.(),
  };
}

function sameJson(wanted: Json, observed: Json): Comparison {
  return canonicalJson(wanted) === canonicalJson(observed) ? "same" : "different";
}
