import type { CloudMessageOf, Owner } from "../../protocol/cloud-messages.ts";
import { plainIssueIn } from "../../protocol/plain-address.ts";
import type { OwnKeyResult } from "../../protocol/desired.ts";
import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { err, fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import type { Alarms } from "../health/alarms.ts";
import type { Ownership } from "../identity/ownership.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { LinkStatus } from "./cloud-port.ts";
import { documentOf, migrationAfterStart, planMigration, sameList, type Endpoints, type MigrationState } from "./migration-state.ts";
import { Trial } from "./trial.ts";

const KEY = "cloud.endpoints";
/** Second copy: after a move, one damaged row must not send the device back to a cloud that is gone. */
const COPY = "cloud.endpoints.copy";
/** Alarm while the device could not move to the wanted endpoints. */
export const MIGRATION_ALARM = "cloud.migration-failed";

export interface MigrationPolicy {
  /** Time in which the new cloud must welcome the device. */
  readonly trialMs: number;
  /** Delay before the same endpoints are tried again. */
  readonly retry: RetryPolicy;
}

export const DEFAULT_MIGRATION_POLICY: MigrationPolicy = {
  trialMs: 120_000,
  retry: { firstMs: 1_200_000, factor: 2, capMs: 43_200_000, floorMs: 600_000 },
};

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
  /** Endpoints from the configuration or the provisioning file, preferred first. */
  readonly configured: readonly string[];
  /** See `plainIssue`. Default: false. */
  readonly plainAllowed?: boolean;
}

/** A move under way. */
interface Move {
  readonly wanted: Endpoints;
  readonly done: Promise<OwnKeyResult>;
  settle(result: OwnKeyResult): void;
  /** Rejects `done`, for a bug. */
  fault(thrown: unknown): void;
  timer?: Timer;
  /** The commit is being written; the deadline waits for it. */
  committing: boolean;
  overdue: boolean;
}

/**
 * Moves the device to another cloud. The new endpoints are tried; the cloud there must know the device's owner. Owner and
 * endpoints are then written in one transaction. If the trial fails the device returns to the old endpoints.
 */
export class Migration {
  readonly #deps: MigrationDeps;
  readonly #trial: Trial<Endpoints, Endpoints>;
  #link: MigratingLink | undefined;
  #move: Move | undefined;

  private constructor(deps: MigrationDeps, stored: JsonObject | undefined) {
    this.#deps = deps;
    const found = migrationAfterStart(usable(stored, deps), deps.configured, deps.clock.monotonicMs(), (failures) => this.#pauseMs(failures));
    this.#trial = new Trial<Endpoints, Endpoints>(found, (state) => this.#put(state));
    if (found.failure !== undefined) this.#raise(found.failure.error);
  }

  static async load(deps: MigrationDeps): Promise<Migration> {
    return new Migration(deps, await readStored(deps));
  }

  /** Endpoints to dial now: those on trial, else the committed ones. */
  endpoints(): readonly string[] {
    const state = this.state();
    return state.kind === "trying" ? state.wanted : state.committed;
  }

  state(): MigrationState {
    return this.#trial.state;
  }

  /** Must be called before `apply`. */
  attach(link: MigratingLink): void {
    this.#link = link;
  }

  /**
   * Moves to `wanted`. Settles when the move succeeded or failed, after the trial's time at most. Within the retry delay of
   * a failure, asking for the same endpoints fails without a trial. `pending`: another move is under way, or the agent stops.
   */
  async apply(wanted: readonly string[]): Promise<OwnKeyResult> {
    const link = this.#link;
    if (link === undefined) throw new Error("the migration has no link yet");
    const plain = plainIssueIn(wanted, this.#deps.plainAllowed ?? false);
    if (plain !== undefined) return this.#failed(plain);
    const status = link.status();
    const onlineAt = status.kind === "online" ? status.endpoint : undefined;
    const move = this.#move;
    if (move !== undefined && sameList(move.wanted, wanted)) return move.done;
    const state = this.state();
    if (move !== undefined || state.kind !== "settled") {
      return { status: "pending", error: { code: "cloud.migration-busy", message: "other endpoints are being tried" }, observed: [...this.endpoints()] };
    }
    const plan = planMigration(state, wanted, onlineAt, this.#deps.clock.monotonicMs());
    switch (plan.kind) {
      case "settled":
        this.#deps.alarms.clear(MIGRATION_ALARM, "the wanted endpoints are in force");
        return this.#applied();
      case "failed":
        this.#raise(plan.failure.error);
        return this.#failed(plan.failure.error);
      case "commit":
        return this.#commitAtOnce(wanted, link);
      case "try":
        return this.#try(wanted, plan.failures, link);
    }
  }

  /** The failed endpoints are no longer wanted: clears the alarm. Their retry delay still applies. */
  forgiven(): void {
    this.#deps.alarms.clear(MIGRATION_ALARM, "the failed endpoints are no longer wanted");
  }

  /** Wraps `Ownership.accept`: during a trial, owner and endpoints are committed in one write. */
  async acceptOwner(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">, endpoint: string): Promise<Result<void>> {
    const { ownership } = this.#deps;
    const move = this.#move;
    if (this.state().kind !== "trying" || move === undefined || message.t !== "welcome") return ownership.accept(owner, message);
    if (owner.kind !== "claimed") return fail("owner.unknown-there", `the cloud at ${endpoint} does not know whose device this is`);
    const decision = await ownership.decide(owner, message);
    if (!decision.ok) return decision;
    if (move.overdue || this.#move !== move) return fail("cloud.migration-over", "the new cloud's welcome came too late");
    move.committing = true;
    const unwritten = await this.#trial.step({ kind: "commit", committed: move.wanted }, async (settled) => {
      const written = await ownership.commit(decision.value, this.#documentsOf(settled));
      return written.ok ? undefined : written.error;
    });
    move.committing = false;
    if (unwritten === undefined) {
      this.#end(move, this.#applied());
      this.#deps.alarms.clear(MIGRATION_ALARM, `moved to ${endpoint}`);
      this.#deps.log.info({ endpoint }, "moved to new endpoints");
      return ok(undefined);
    }
    if (move.overdue) await this.#revert(move, unwritten);
    return err(unwritten);
  }

  /** For shutdown: settles a trial as `pending`. The next start returns to the old endpoints. */
  stop(): void {
    if (this.#move !== undefined) this.#end(this.#move, { status: "pending" });
  }

  async #commitAtOnce(wanted: readonly string[], link: MigratingLink): Promise<OwnKeyResult> {
    const error = await this.#trial.step({ kind: "commit", committed: wanted });
    if (error !== undefined) return this.#failed(error);
    this.#deps.alarms.clear(MIGRATION_ALARM, "the wanted endpoints are in force");
    link.setEndpoints(wanted);
    return this.#applied();
  }

  async #try(wanted: readonly string[], failures: number, link: MigratingLink): Promise<OwnKeyResult> {
    const { timers, policy, log } = this.#deps;
    const move = newMove(wanted);
    // Set before the write, so that a concurrent `apply` joins this move.
    this.#move = move;
    const error = await this.#trial.step({ kind: "try", wanted, failures }).catch((thrown: unknown) => {
      this.#move = undefined;
      move.fault(thrown);
      return undefined;
    });
    if (this.#move !== move) return move.done;
    if (error !== undefined) {
      this.#end(move, this.#failed(error));
      return move.done;
    }
    log.info({ wanted, trialMs: policy.trialMs }, "trying new endpoints");
    move.timer = timers.after("cloud.migration-deadline", policy.trialMs, () => {
      move.overdue = true;
      if (move.committing) return;
      this.#revert(move, lastErrorOf(link.status())).catch((thrown: unknown) => move.fault(thrown));
    });
    link.setEndpoints(wanted);
    return move.done;
  }

  /** Returns to the committed endpoints, which are still the ones on disk, so a failed write does no harm. */
  async #revert(move: Move, last: Issue | undefined): Promise<void> {
    const { log, policy, clock } = this.#deps;
    const state = this.state();
    if (this.#move !== move || state.kind !== "trying") return;
    const why = last === undefined ? "no welcome arrived" : `${last.message} (${last.code})`;
    const message = `no welcome from the new endpoints within ${policy.trialMs} ms: ${why}`.slice(0, 1000);
    const error: Issue = { code: "cloud.migration-failed", message };
    this.#trial.fail(error);
    log.warn({ wanted: state.wanted, error: error.message }, "returning to the old endpoints");
    this.#raise(error);
    this.#link?.setEndpoints(state.committed);
    const unwritten = await this.#trial.step({ kind: "undone", nowMs: clock.monotonicMs(), pauseMs: this.#pauseMs(state.failures + 1) });
    // If unwritten, the trial stays open on disk and the next start reports it as interrupted; the endpoints are the same.
    if (unwritten !== undefined) log.warn({ error: unwritten.message }, "the failed move could not be recorded");
    this.#end(move, this.#failed(error));
  }

  #end(move: Move, result: OwnKeyResult): void {
    move.timer?.cancel();
    if (this.#move === move) this.#move = undefined;
    move.settle(result);
  }

  async #put(state: MigrationState): Promise<Issue | undefined> {
    const put = await this.#deps.documents.put(this.#documentsOf(state));
    // A move that cannot be recorded is not begun; one whose end cannot be recorded is over all the same.
    return put.ok ? undefined : { code: "cloud.migration-not-stored", message: put.error.message };
  }

  #documentsOf(state: MigrationState): Readonly<Record<string, JsonObject>> {
    const document = documentOf(state, this.#deps.configured);
    return { [KEY]: document, [COPY]: document };
  }

  #pauseMs(failures: number): number {
    const { policy, random } = this.#deps;
    return retryDelayMs(policy.retry, Math.max(0, failures - 1), random);
  }

  #raise(error: Issue): void {
    this.#deps.alarms.raise(MIGRATION_ALARM, "warning", error.message);
  }

  #applied(): OwnKeyResult {
    return { status: "applied", observed: [...this.endpoints()] };
  }

  #failed(error: Issue): OwnKeyResult {
    return { status: "failed", error: { code: error.code, message: error.message }, observed: [...this.endpoints()] };
  }
}

/** The first readable copy. Without one, the configured endpoints apply. */
async function readStored({ documents, log }: MigrationDeps): Promise<JsonObject | undefined> {
  for (const key of [KEY, COPY]) {
    const document = await readDocument(documents, key, log);
    if (document !== undefined) return document;
  }
  return undefined;
}

/** Discards stored endpoints that are unencrypted and no longer allowed. */
function usable(stored: JsonObject | undefined, { log, plainAllowed = false }: MigrationDeps): JsonObject | undefined {
  const committed = stored?.["committed"];
  const plain = Array.isArray(committed) ? plainIssueIn(committed.filter((address) => typeof address === "string"), plainAllowed) : undefined;
  if (plain === undefined) return stored;
  log.error({ ...plain }, "the stored endpoints are not used");
  return undefined;
}

function newMove(wanted: Endpoints): Move {
  let settle: Move["settle"] = () => {};
  let fault: Move["fault"] = () => {};
  const done = new Promise<OwnKeyResult>((resolve, reject) => {
    settle = resolve;
    fault = reject;
  });
  return { wanted, done, settle: (result) => settle(result), fault: (thrown) => fault(thrown), committing: false, overdue: false };
}

function lastErrorOf(status: LinkStatus): Issue | undefined {
  return status.kind === "online" ? undefined : status.lastError;
}
