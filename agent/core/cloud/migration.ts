import type { CloudMessageOf, Owner } from "../../protocol/cloud-messages.ts";
import { plainIssueIn } from "../../protocol/plain-address.ts";
import type { DesiredKeyResult } from "../../protocol/desired.ts";
import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { fail, type Issue, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import type { Alarms } from "../health/alarms.ts";
import type { Ownership } from "../identity/ownership.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { LinkStatus } from "./cloud-port.ts";
import { documentOf, migrationAfterStart, planMigration, type MigrationState } from "./migration-state.ts";

const KEY = "cloud.endpoints";
/** The same once more: after a move, one damaged row must not send the device back to a cloud that is gone. */
const COPY = "cloud.endpoints.copy";
/** Code of the alarm while the last wanted endpoints could not be moved to. */
export const MIGRATION_ALARM = "cloud.migration-failed";

export interface MigrationPolicy {
  /** The new cloud must have welcomed the device within this time. */
  readonly trialMs: number;
  /** Before the same endpoints are tried again. */
  readonly retry: RetryPolicy;
}

export const DEFAULT_MIGRATION_POLICY: MigrationPolicy = {
  trialMs: 120_000,
  retry: { firstMs: 1_200_000, factor: 2, capMs: 43_200_000, floorMs: 600_000 },
};

/** What the migration needs of the link. */
export interface MigratingLink {
  status(): LinkStatus;
  setEndpoints(urls: readonly string[]): void;
}

export interface MigrationDeps {
  readonly documents: DocumentStore;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly policy: MigrationPolicy;
  /** Endpoints of the configuration or the provisioning file, preferred first. */
  readonly configured: readonly string[];
  /** See `plainIssue`. Absent: no. */
  readonly plainAllowed?: boolean;
}

interface Trial {
  readonly done: Promise<DesiredKeyResult>;
  settle(result: DesiredKeyResult): void;
  /** A bug: whoever asked for the move gets it thrown. */
  fault(thrown: unknown): void;
  timer?: Timer;
  /** The commit is being written; the deadline waits for it. */
  committing: boolean;
  overdue: boolean;
}

/**
 * Moves the device to another cloud, or does not: new endpoints are tried, the owner known here must be
 * known there, and that and the new endpoints go on disk in one write. Else the device returns.
 */
export class Migration {
  readonly #deps: MigrationDeps;
  #state: MigrationState;
  #link: MigratingLink | undefined;
  #trial: Trial | undefined;

  private constructor(deps: MigrationDeps, state: MigrationState) {
    this.#deps = deps;
    this.#state = state;
  }

  static async load(deps: MigrationDeps): Promise<Migration> {
    const stored = await readStored(deps);
    const migration = new Migration(deps, { kind: "settled", committed: deps.configured });
    migration.#state = migrationAfterStart(usable(stored, deps), deps.configured, (failures) => migration.#notBeforeMs(failures));
    if (migration.#state.kind === "settled" && migration.#state.failure !== undefined) migration.#raise(migration.#state.failure.error);
    return migration;
  }

  /** The endpoints to dial now. */
  endpoints(): readonly string[] {
    return this.#state.kind === "trying" ? this.#state.wanted : this.#state.committed;
  }

  state(): MigrationState {
    return this.#state;
  }

  /** Before `apply`. */
  attach(link: MigratingLink): void {
    this.#link = link;
  }

  /**
   * Makes `wanted` the endpoints. Settles when that came about or failed: at once, or after at most the
   * trial's time. `failed` carries why; asked again too soon after a failure, it is `failed` without a trial.
   */
  async apply(wanted: readonly string[]): Promise<DesiredKeyResult> {
    const link = this.#link;
    if (link === undefined) throw new Error("the migration has no link yet");
    const plain = plainIssueIn(wanted, this.#deps.plainAllowed ?? false);
    if (plain !== undefined) return this.#failed(plain);
    const status = link.status();
    const onlineAt = status.kind === "online" ? status.endpoint : undefined;
    const plan = planMigration(this.#state, wanted, onlineAt, this.#deps.clock.monotonicMs());
    switch (plan.kind) {
      case "settled":
        this.#deps.alarms.clear(MIGRATION_ALARM, "the wanted endpoints are in force");
        return this.#applied();
      case "join":
        return this.#trial === undefined ? this.#failed({ code: "cloud.migration-busy", message: "endpoints are being tried" }) : this.#trial.done;
      case "busy":
        return { status: "pending", error: { code: "cloud.migration-busy", message: "other endpoints are being tried" }, observed: [...this.endpoints()] };
      case "failed":
        this.#raise(plan.failure.error);
        return this.#failed(plan.failure.error);
      case "commit":
        return this.#commitAtOnce(wanted, link);
      case "try":
        return this.#try(wanted, plan.failures, link);
    }
  }

  /** Nobody wants endpoints any more that could not be moved to. Their pause stays, should they be wanted again. */
  forgiven(): void {
    this.#deps.alarms.clear(MIGRATION_ALARM, "no endpoints are wanted that could not be moved to");
  }

  /** Stands before `Ownership.accept`: during a trial, acceptance and the commit are one. */
  async acceptOwner(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">, endpoint: string): Promise<Result<void>> {
    const { ownership } = this.#deps;
    const trial = this.#trial;
    if (this.#state.kind !== "trying" || trial === undefined || message.t !== "welcome") return ownership.accept(owner, message);
    if (owner.kind !== "claimed") return fail("owner.unknown-there", `the cloud at ${endpoint} does not know whose device this is`);
    const decision = await ownership.decide(owner, message);
    if (!decision.ok) return decision;
    if (trial.overdue || this.#trial !== trial) return fail("cloud.migration-over", "the new cloud's welcome came too late");
    trial.committing = true;
    const settled: MigrationState = { kind: "settled", committed: this.#state.wanted };
    const written = await ownership.commit(decision.value, this.#documentsOf(settled));
    trial.committing = false;
    if (written.ok) {
      this.#state = settled;
      this.#end(trial, this.#applied());
      this.#deps.alarms.clear(MIGRATION_ALARM, `moved to ${endpoint}`);
      this.#deps.log.info({ endpoint }, "moved to new endpoints");
    } else if (trial.overdue) await this.#revert(trial, written.error);
    return written;
  }

  /** Ends a trial without an answer: the agent stops. The next start returns to the old endpoints. */
  stop(): void {
    if (this.#trial !== undefined) this.#end(this.#trial, { status: "pending" });
  }

  async #commitAtOnce(wanted: readonly string[], link: MigratingLink): Promise<DesiredKeyResult> {
    const settled: MigrationState = { kind: "settled", committed: wanted };
    const error = await this.#put(settled);
    if (error !== undefined) return this.#failed(error);
    this.#state = settled;
    this.#deps.alarms.clear(MIGRATION_ALARM, "the wanted endpoints are in force");
    link.setEndpoints(wanted);
    return this.#applied();
  }

  async #try(wanted: readonly string[], failures: number, link: MigratingLink): Promise<DesiredKeyResult> {
    const { clock, timers, policy, log } = this.#deps;
    const settled: MigrationState = { kind: "settled", committed: this.#state.committed };
    const trial = newTrial();
    // Both before the write, which takes its time: whoever asks meanwhile joins, and nobody writes twice.
    this.#state = { kind: "trying", committed: settled.committed, wanted, failures, deadlineMs: clock.monotonicMs() + policy.trialMs };
    this.#trial = trial;
    const error = await this.#put(this.#state).catch((thrown: unknown) => {
      this.#state = settled;
      this.#trial = undefined;
      trial.fault(thrown);
      return undefined;
    });
    if (this.#trial !== trial) return trial.done;
    if (error !== undefined) {
      this.#state = settled;
      this.#end(trial, this.#failed(error));
      return trial.done;
    }
    log.info({ wanted, trialMs: policy.trialMs }, "trying new endpoints");
    trial.timer = timers.after("cloud.migration-deadline", policy.trialMs, () => {
      trial.overdue = true;
      if (trial.committing) return;
      this.#revert(trial, lastErrorOf(link.status())).catch((thrown: unknown) => trial.fault(thrown));
    });
    link.setEndpoints(wanted);
    return trial.done;
  }

  /** Back to the committed endpoints. What the disk says does not matter for that: it never named the others. */
  async #revert(trial: Trial, last: Issue | undefined): Promise<void> {
    const { log, policy } = this.#deps;
    const state = this.#state;
    if (this.#trial !== trial || state.kind !== "trying") return;
    const why = last === undefined ? "no welcome came" : `${last.message} (${last.code})`;
    const message = `no welcome from the new endpoints within ${policy.trialMs} ms: ${why}`.slice(0, 1000);
    const error: Issue = { code: "cloud.migration-failed", message };
    const failures = state.failures + 1;
    const failure = { endpoints: state.wanted, error, failures, notBeforeMs: this.#notBeforeMs(failures) };
    this.#state = { kind: "settled", committed: state.committed, failure };
    log.warn({ wanted: state.wanted, error: error.message }, "returning to the old endpoints");
    this.#raise(error);
    this.#link?.setEndpoints(state.committed);
    const unwritten = await this.#put(this.#state);
    // The trial stays open on disk, and the next start reads it as interrupted: the same endpoints, another word.
    if (unwritten !== undefined) log.warn({ error: unwritten.message }, "the failed move could not be written down");
    this.#end(trial, this.#failed(error));
  }

  #end(trial: Trial, result: DesiredKeyResult): void {
    trial.timer?.cancel();
    if (this.#trial === trial) this.#trial = undefined;
    trial.settle(result);
  }

  async #put(state: MigrationState): Promise<Issue | undefined> {
    const put = await this.#deps.documents.put(this.#documentsOf(state));
    // A move that cannot be written down is not begun, and one that cannot be written off is over all the same.
    return put.ok ? undefined : { code: "cloud.migration-not-stored", message: put.error.message };
  }

  #documentsOf(state: MigrationState): Readonly<Record<string, JsonObject>> {
    const document = documentOf(state, this.#deps.configured);
    return { [KEY]: document, [COPY]: document };
  }

  #notBeforeMs(failures: number): number {
    const { clock, policy, random } = this.#deps;
    return clock.monotonicMs() + retryDelayMs(policy.retry, Math.max(0, failures - 1), random);
  }

  #raise(error: Issue): void {
    this.#deps.alarms.raise(MIGRATION_ALARM, "warning", error.message);
  }

  #applied(): DesiredKeyResult {
    return { status: "applied", observed: [...this.endpoints()] };
  }

  #failed(error: Issue): DesiredKeyResult {
    return { status: "failed", error: { code: error.code, message: error.message }, observed: [...this.endpoints()] };
  }
}

/** The first copy that can be read. Where none can, the device goes where its configuration says. */
async function readStored({ documents, log }: MigrationDeps): Promise<JsonObject | undefined> {
  for (const key of [KEY, COPY]) {
    const document = await readDocument(documents, key, log);
    if (document !== undefined) return document;
  }
  return undefined;
}

/** Plain endpoints that were taken before they were forbidden are not dialed any more. */
function usable(stored: JsonObject | undefined, { log, plainAllowed = false }: MigrationDeps): JsonObject | undefined {
  const committed = stored?.["committed"];
  const plain = Array.isArray(committed) ? plainIssueIn(committed.filter((address) => typeof address === "string"), plainAllowed) : undefined;
  if (plain === undefined) return stored;
  log.error({ ...plain }, "the stored endpoints are not used");
  return undefined;
}

function newTrial(): Trial {
  let settle: Trial["settle"] = () => {};
  let fault: Trial["fault"] = () => {};
  const done = new Promise<DesiredKeyResult>((resolve, reject) => {
    settle = resolve;
    fault = reject;
  });
  return { done, settle: (result) => settle(result), fault: (thrown) => fault(thrown), committing: false, overdue: false };
}

function lastErrorOf(status: LinkStatus): Issue | undefined {
  return status.kind === "online" ? undefined : status.lastError;
}
