import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { ok, type Result } from "../../platform/ports/result.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { judgeTrial, verdictOf } from "../core/updates/trial-judge.ts";
import type { Verdict } from "../protocol/reported.ts";
import { readAutoboot, writeAutoboot } from "./autoboot.ts";
import type { SlotOutcome, SlotRecord } from "./slot-record.ts";
import { CONFIRMED, slotTask, type SlotStatus } from "./slot-state.ts";

/** The machine under a slot. A write is on disk when it resolves, and after a power cut within it the old text or the new one is there. */
export interface SlotMachine {
  bootId(): Promise<string>;
  isTry(): Promise<boolean>;
  /** `autoboot.txt`; `undefined`: not an A/B image. */
  autoboot(): Promise<string | undefined>;
  writeAutoboot(text: string): Promise<void>;
  /** `undefined` also for a record that cannot be read. */
  record(): Promise<SlotRecord | undefined>;
  writeRecord(record: SlotRecord): Promise<void>;
  /** Asks for a reboot, with a forced reset behind it for one that does not come. */
  reboot(): Promise<Result<void>>;
}

/** The agent of the slot that runs. */
export interface SlotAgent {
  /** Undefined: no answer. */
  status(): Promise<SlotStatus | undefined>;
  /** Stores the outcome for the cloud, once for the same id. */
  report(id: string, outcome: SlotOutcome): Promise<Result<void>>;
}

export interface SlotJudgeDeps {
  readonly machine: SlotMachine;
  readonly agent: SlotAgent;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Time for a new slot to become good, since this process started. */
  readonly deadlineMs: number;
  /** How long it has to be good without a break. */
  readonly holdMs: number;
  readonly lookMs: number;
}

/** The old slot reports a refusal that the new one has no time for. */
const REPORT_BEFORE_REBOOT_MS = 15_000;
/** Longer than a reboot and the forced reset behind it take. */
const REBOOT_AGAIN_MS = 10 * 60_000;

/**
 * Confirms or refuses the slot of an A/B image that the firmware tries, and reports the outcome, once. Ends when nothing is left to do.
 * Error: `slot.autoboot`; then the firmware goes back by itself at the next reset, since nothing was confirmed.
 */
export async function judgeSlot(deps: SlotJudgeDeps, signal: AbortSignal): Promise<Result<void>> {
  const { machine, log } = deps;
  for (;;) {
    const text = await machine.autoboot();
    if (text === undefined) return ok(undefined);
    const autoboot = readAutoboot(text);
    if (!autoboot.ok) return autoboot;
    const task = slotTask({ bootId: await machine.bootId(), isTry: await machine.isTry(), autoboot: autoboot.value, record: await machine.record() });
    if (task.kind === "nothing" || signal.aborted) return ok(undefined);
    if (task.kind === "judge") {
      const judged = await judge(deps, task.record, signal);
      if (!judged.ok || signal.aborted) return judged;
      continue;
    }
    if (task.kind === "reboot") {
      const rebooted = await reboot(deps, task.record, task.outcome, signal);
      if (!rebooted.ok) return rebooted;
      continue;
    }
    log.info({ ...task.outcome, from: task.record.from, to: task.record.to }, "the trial of a slot is over");
    const { earlier = [], ...record } = task.record;
    for (const { id, outcome } of [...earlier, { id: record.id, outcome: task.outcome }]) if (!(await report(deps, id, outcome, Infinity, signal))) return ok(undefined);
    await machine.writeRecord({ ...record, outcome: task.outcome, reported: true });
  }
}

/** The judge of an update's trial, fed with what the agent says of itself. */
async function judge(deps: SlotJudgeDeps, record: SlotRecord, signal: AbortSignal): Promise<Result<void>> {
  const { machine, agent, clock, timers, log, deadlineMs, holdMs, lookMs } = deps;
  await machine.writeRecord(record);
  const seen: { status: SlotStatus | undefined } = { status: undefined };
  const judged = new AbortController();
  const looking = (async () => {
    do seen.status = await agent.status();
    while (await sleep(timers, "slot.look", lookMs, AbortSignal.any([signal, judged.signal])));
  })();
  const verdict = (): Verdict | undefined => (seen.status?.verdict === undefined ? undefined : verdictOf(seen.status.verdict));
  // The picture before is the old slot's, and not known here: the new one has to be good. An unclaimed device may have no cloud at all.
  const isOnline = (): boolean => seen.status !== undefined && (seen.status.isOnline || !seen.status.isClaimed);
  const hasPlayer = (): boolean => seen.status?.hasPlayer === true;
  const good = await judgeTrial({ clock, timers, verdict, hasPlayer, isOnline }, { before: "showing", hadPlayer: true, holdMs, withinMs: deadlineMs }, signal);
  judged.abort();
  await looking;
  if (good.ok) return confirm(deps, record);
  if (signal.aborted) return ok(undefined);
  const why = seen.status === undefined ? "the agent does not answer" : `the verdict over the screen is ${verdict() ?? "not there"}, the player is ${hasPlayer() ? "" : "not "}connected, the cloud is ${isOnline() ? "" : "not "}reached`;
  log.error({ code: good.error.code, why }, "the new slot is refused");
  return refuse(deps, record, { state: "refused", code: good.error.code, message: `the new slot was not good within ${Math.round(deadlineMs / 1000)} s: ${why}` });
}

/** The firmware's file decides; the record only tells. */
async function confirm({ machine, log }: SlotJudgeDeps, record: SlotRecord): Promise<Result<void>> {
  const text = writeAutoboot((await machine.autoboot()) ?? "", { ordinary: record.to, attempt: record.from });
  if (!text.ok) return text;
  await machine.writeAutoboot(text.value);
  await machine.writeRecord({ ...record, outcome: CONFIRMED });
  log.info({ from: record.from, to: record.to }, "the new slot is confirmed");
  return ok(undefined);
}

/** An ordinary reboot leaves a slot that was not confirmed. It is what the record asks for until it has come. */
async function refuse({ machine }: SlotJudgeDeps, record: SlotRecord, outcome: SlotOutcome): Promise<Result<void>> {
  await machine.writeRecord({ ...record, outcome });
  return ok(undefined);
}

/** Returns when the machine should have rebooted and did not. */
async function reboot(deps: SlotJudgeDeps, { id }: SlotRecord, outcome: SlotOutcome, signal: AbortSignal): Promise<Result<void>> {
  await report(deps, id, outcome, REPORT_BEFORE_REBOOT_MS, signal);
  if (signal.aborted) return ok(undefined);
  const rebooting = await deps.machine.reboot();
  // After an error the unit is started again and tries again.
  if (rebooting.ok) await sleep(deps.timers, "slot.reboot", REBOOT_AGAIN_MS, signal);
  return rebooting;
}

/** Returns whether the agent has stored the outcome within `limitMs`. It stores it once, however often it is told. */
async function report({ agent, clock, timers, log, lookMs }: SlotJudgeDeps, id: string, outcome: SlotOutcome, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const startMs = clock.monotonicMs();
  while (!signal.aborted) {
    const stored = await agent.report(id, outcome);
    if (stored.ok) return true;
    if (clock.monotonicMs() - startMs >= limitMs) return false;
    log.warn({ ...stored.error }, "the outcome of the slot's trial is not reported yet");
    await sleep(timers, "slot.report", lookMs, signal);
  }
  return false;
}
