import type { OwnKeyResult } from "../../protocol/desired.ts";
import type { Network } from "../../protocol/network-settings.ts";
import type { CurrentNetwork, NetworkChangeSettings, NetworkCheckpoint, NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { seen, type Reading } from "../../../platform/ports/reading.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { canonicalJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { retryDelayMs } from "../../../platform/runtime/retry-schedule.ts";
import { sleep, TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { freshSession } from "./confirmation.ts";
import type { ChangingLink, NetworkChangeDeps } from "./network-change-deps.ts";
import { Trial, type TrialFailure } from "../cloud/trial.ts";
import { networkAfterStart, planNetworkChange, proxyOf, type CommittedNetwork, type NetworkChangeState, type NetworkFacts, type NetworkTrial } from "./network-change-state.ts";
import { NetworkRecord } from "./network-record.ts";
import { agrees, hidesNothing, shownCurrent, withoutSecrets } from "./network-view.ts";

/** Desired-state key, and name of this holder of the way to the cloud. */
export const NETWORK_KEY = "network";
/** Alarm while the last wanted settings failed. */
export const NETWORK_ALARM = "network.change-reverted";
/** Alarm while the old settings could not be restored. */
export const STRANDED_ALARM = "network.not-restored";
/** Alarm while the machine does not keep confirmed settings. */
export const UNKEPT_ALARM = "network.not-kept";
/** Alarm while the files of a certificate have been replaced and the new ones are not in use. */
export const RENEWAL_ALARM = "network.certificate-not-renewed";
/** Added to the machine's own worst case before a call counts as hanging. */
const DEADLINE_MARGIN_MS = 5_000;

/** What a trial changes, and how it is known to be in force. */
interface Change {
  /** Of the owner or the provisioning file; absent: a renewal, by the interfaces whose certificate has new files, and their versions. */
  readonly wanted?: Network;
  readonly renew: Readonly<Record<string, string>>;
  readonly machine: NetworkChangeSettings | undefined;
  readonly digest: string;
}

type Outcome = { readonly error: Issue } | "confirmed" | "stopped";

/**
 * Changes the device's network settings. The old settings are recorded on disk, the new ones applied, and only a welcome in
 * a session that began after that confirms them. Otherwise the device reverts them by itself; after a power cut the next
 * start does.
 */
export class NetworkChange {
  readonly #deps: NetworkChangeDeps;
  readonly #record: NetworkRecord;
  readonly #serial = new OneAtATime();
  readonly #stop = new AbortController();
  readonly #trial: Trial<CommittedNetwork, NetworkTrial>;
  #link: ChangingLink | undefined;
  /** Text of the settings of `committed.digest`; unknown after a start until they are wanted again. */
  #known: string | undefined;
  /** The last renewal that failed. The failure in the state may be of other settings since. */
  #unrenewed: TrialFailure<NetworkTrial> | undefined;
  /** Releases the way to the cloud, held from the start until an interrupted trial is reverted. */
  #heldFromStart: (() => void) | undefined;

  private constructor(deps: NetworkChangeDeps, record: NetworkRecord) {
    this.#deps = deps;
    this.#record = record;
    const found = networkAfterStart(record.found, record.configured, deps.clock.monotonicMs(), (failures) => this.#pauseMs(failures));
    this.#trial = new Trial(found, (state) => record.write(state));
  }

  /** Reads the stored state and puts the confirmed proxy in force. Old settings are restored in `run`. */
  static async load(deps: NetworkChangeDeps): Promise<NetworkChange> {
    const change = new NetworkChange(deps, await NetworkRecord.read(deps));
    change.#useProxy();
    const state = change.state();
    if (state.kind === "reverting") change.#heldFromStart = deps.way.take(NETWORK_KEY);
    if (state.kind === "settled" && state.failure !== undefined) change.#failedBefore(state.failure);
    return change;
  }

  state(): NetworkChangeState {
    return this.#trial.state;
  }

  /** Must be called before `run` and `apply`. */
  attach(link: ChangingLink): void {
    this.#link = link;
  }

  /** Whether `wanted` is exactly what was confirmed, including secrets. */
  isConfirmed(wanted: Network): boolean {
    return this.state().kind === "settled" && this.#known === textOf(wanted);
  }

  /** The settings in force, without secrets. */
  async observe(): Promise<Reading<JsonObject>> {
    const { settings, proxy, clock } = this.#deps;
    if (settings === undefined) return seen(shownCurrent(undefined, proxy?.current()), clock.monotonicMs());
    const current = await this.#current(settings);
    return current.kind === "ok" ? seen(shownCurrent(current.value, proxy?.current()), current.atMs) : current;
  }

  /**
   * Changes to `wanted`. Settles when the change is confirmed or reverted. Within the retry delay of a failure, asking for the
   * same settings fails without a trial, unless `again` asks for one. `pending`: another change is under way, or the agent stops.
   */
  apply(wanted: Network, { again = false }: { readonly again?: boolean } = {}): Promise<OwnKeyResult> {
    return this.#serial.run(() => this.#apply(wanted, again));
  }

  /** Completes what the last run left open: restores the old settings, or makes the machine keep the confirmed ones. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) this.stop();
    await this.#serial.run(async () => {
      if (this.state().kind === "reverting") await this.#goBack();
      else await this.#keep();
      this.#heldFromStart?.();
    });
    while (await sleep(this.#deps.timers, "network.ask-again", this.#deps.policy.askAgainMs, this.#stop.signal)) {
      await this.#serial.run(async () => {
        await this.#renew();
        await this.#askAgain();
      });
    }
  }

  /** For shutdown: ends a trial as `pending`. The next start returns to the old settings. */
  stop(): void {
    this.#stop.abort();
  }

  /** The owner released the device. The settings stay, so that it can be claimed again; digest and failure are deleted. */
  forget(): Promise<void> {
    return this.#serial.run(async () => {
      const state = this.state();
      if (state.kind !== "settled") return;
      const { digest: _named, ...committed } = state.committed;
      this.#known = undefined;
      this.#deps.alarms.clear(NETWORK_ALARM, "the device has no owner");
      const error = await this.#trial.step({ kind: "amend", committed, forget: true });
      if (error !== undefined) this.#deps.log.warn({ error: error.message }, "the last owner's network change could not be deleted");
    });
  }

  /** The failed settings are no longer wanted: clears the alarm. Their retry delay still applies. */
  forgiven(): void {
    this.#deps.alarms.clear(NETWORK_ALARM, "the failed network settings are no longer wanted");
  }

  /** A machine that was refused access once may have given up, for whatever passing reason: while nothing else leads to the cloud it asks again. */
  async #askAgain(): Promise<void> {
    const { settings, log } = this.#deps;
    if (settings?.dot1x === undefined || this.#link?.status().kind === "online" || this.state().kind !== "settled") return;
    const asked = await this.#machine("ask again", (of) => of.dot1x?.askAgain() ?? Promise.resolve(ok(undefined)));
    if (!asked.ok) log.warn({ ...asked.error }, "the network still does not let the device in");
  }

  /** Files of a certificate that were replaced are tried as any change; those in use are the way back. */
  async #renew(): Promise<void> {
    const { settings, way, alarms, log } = this.#deps;
    const link = this.#link;
    if (settings?.dot1x === undefined || link === undefined || this.state().kind !== "settled") return;
    const looked = await this.#machine("renewals", async (of) => ok(await of.dot1x?.renewals()));
    if (!looked.ok || looked.value?.kind !== "ok") return log.warn({ why: looked.ok ? looked.value : looked.error }, "the certificates for the network cannot be looked at");
    const renewals = looked.value.value;
    const bad = renewals.find(({ found }) => !found.ok);
    if (renewals.length === 0) return alarms.clear(RENEWAL_ALARM, "the certificates in use are those in their folders");
    if (bad !== undefined && !bad.found.ok) this.#notRenewed(bad.found.error);
    const renew = Object.fromEntries(renewals.flatMap(({ interface: name, found }) => (found.ok ? [[name, found.value] as const] : [])));
    const release = Object.keys(renew).length === 0 ? undefined : way.take(NETWORK_KEY);
    // While something else is being changed: at the next look.
    if (release === undefined) return;
    try {
      const digest = await this.#record.digestOf({ renew });
      const plan = planNetworkChange({ kind: "settled", committed: {}, ...(this.#unrenewed === undefined ? {} : { failure: this.#unrenewed }) }, this.#facts(link, digest));
      if (plan.kind === "try") await this.#try({ renew, digest, machine: { renew: Object.keys(renew) } }, plan.failures, link);
    } finally {
      release();
    }
  }

  #notRenewed(error: Issue): void {
    this.#deps.alarms.raise(RENEWAL_ALARM, "warning", `the replaced certificate is not used, the one before it still is: ${error.message}`);
  }

  async #apply(wanted: Network, again: boolean): Promise<OwnKeyResult> {
    const { alarms } = this.#deps;
    const link = this.#link;
    if (link === undefined) throw new Error("the network change has no link yet");
    const state = this.state();
    if (this.#stop.signal.aborted || state.kind !== "settled") return { status: "pending" };
    const shown = await this.observe();
    if (shown.kind !== "ok") return { status: "failed", error: unreadable(shown) };
    const digest = await this.#record.digestOf(wanted);
    const plan = planNetworkChange(again ? { kind: "settled", committed: state.committed } : state, {
      ...this.#facts(link, digest),
      agrees: agrees(wanted, shown.value) && this.#proxyIs(wanted),
      hidesNothing: hidesNothing(wanted),
    });
    switch (plan.kind) {
      case "settled":
        this.#known = textOf(wanted);
        alarms.clear(NETWORK_ALARM, "the wanted network settings are in force");
        return { status: "applied", observed: shown.value };
      case "commit":
        return (await this.#commit(wanted, digest, undefined)) ?? { status: "applied", observed: shown.value };
      case "failed":
        this.#raise(plan.failure.error);
        return { status: "failed", error: plan.failure.error, observed: shown.value };
      case "try":
        return this.#try({ wanted, renew: {}, digest, machine: machineSettings(wanted) }, plan.failures, link);
    }
  }

  /** Facts of a change of which nothing is known to be in force. */
  #facts(link: ChangingLink, digest: string): NetworkFacts {
    const { clock, policy } = this.#deps;
    const status = link.status();
    return { digest, agrees: false, hidesNothing: false, ...(status.kind === "online" ? {} : { offlineSinceMs: status.sinceMs }), offlineRetryMs: policy.offlineRetryMs, nowMs: clock.monotonicMs() };
  }

  async #try(change: Change, failures: number, link: ChangingLink): Promise<OwnKeyResult> {
    const { log, settings } = this.#deps;
    const { wanted = {}, renew, digest, machine } = change;
    if (machine !== undefined && settings === undefined) return { status: "failed", error: NOT_OURS };
    const point = machine === undefined || settings === undefined ? undefined : await this.#machine("checkpoint", (of) => of.checkpoint(machine));
    if (point?.ok === false) return this.#failed(clean(point.error, wanted));
    const trial: NetworkTrial = { digest, ...(wanted.proxy === undefined ? {} : { proxy: wanted.proxy }), ...(point === undefined ? {} : { point: point.value }), ...(change.wanted === undefined ? { renewal: true } : {}) };
    // The way back is on disk before anything changes.
    const unwritten = await this.#trial.step({ kind: "try", wanted: trial, failures });
    if (unwritten !== undefined) return this.#failed(unwritten);
    log.info({ proxy: wanted.proxy !== undefined, interfaces: Object.keys(wanted.interfaces ?? {}), wifi: wanted.wifi?.ssid ?? null, renew: Object.keys(renew) }, "trying new network settings");
    let outcome: Outcome;
    try {
      outcome = await this.#prove(change, link, trial);
    } catch (thrown) {
      // A bug must not leave the device on unconfirmed settings; confirmed ones stay.
      if (this.state().kind === "trying") await this.#revert({ code: "network.change-failed", message: "an internal error ended the trial" });
      throw thrown;
    }
    if (outcome === "stopped") return { status: "pending" };
    if (outcome !== "confirmed") {
      const why = await this.#revert(clean(outcome.error, wanted));
      return why === undefined ? { status: "pending" } : this.#failed(why);
    }
    return this.#failed(undefined);
  }

  /** Applies the settings and waits for confirmation. An error must be reverted by the caller. */
  async #prove(change: Change, link: ChangingLink, { point }: NetworkTrial): Promise<Outcome> {
    const { policy } = this.#deps;
    const { machine } = change;
    this.#useProxy();
    if (machine !== undefined) {
      const applied = await this.#machine("apply", (of) => of.apply(machine));
      if (!applied.ok) return { error: applied.error };
    }
    const word = await freshSession(link, this.#deps, policy.trialMs, this.#stop.signal);
    if (word === "stopped") return "stopped";
    if (word === "overdue") return { error: overdue(link, policy.trialMs) };
    // A machine that found no network may have reverted by itself, so that the welcome came over the old settings.
    const isNew = await this.#isInForce(change);
    if (!isNew.ok) return { error: isNew.error };
    if (!isNew.value) return { error: { code: "network.not-in-force", message: "the cloud was reached, but not over the new settings" } };
    const failed = change.wanted === undefined ? await this.#commitRenewal(point) : await this.#commit(change.wanted, change.digest, point);
    if (failed?.error !== undefined) return { error: failed.error };
    await this.#keep();
    return "confirmed";
  }

  async #isInForce({ wanted, renew }: Change): Promise<Result<boolean>> {
    if (wanted !== undefined) {
      const shown = await this.observe();
      return shown.kind === "ok" ? ok(agrees(wanted, shown.value)) : { ok: false, error: unreadable(shown) };
    }
    const { settings } = this.#deps;
    const current = settings === undefined ? undefined : await this.#current(settings);
    if (current?.kind !== "ok") return { ok: false, error: current === undefined ? NOT_OURS : unreadable(current) };
    const { wifi, dot1x = {} } = current.value;
    const inUse = [...Object.values(dot1x), ...(wifi?.dot1x === undefined ? [] : [wifi.dot1x])].map(({ version }) => version);
    return ok(Object.values(renew).every((version) => inUse.includes(version)));
  }

  /** The settings stay those that were confirmed, with the new files. */
  async #commitRenewal(point: NetworkCheckpoint | undefined): Promise<{ readonly error: Issue } | undefined> {
    const error = await this.#trial.step({ kind: "commit", committed: { ...this.state().committed, ...(point === undefined ? {} : { unkept: point }) } });
    if (error !== undefined) return { error };
    this.#unrenewed = undefined;
    this.#deps.alarms.clear(RENEWAL_ALARM, "the replaced certificate is in use");
    this.#deps.log.info({}, "the replaced certificate is confirmed");
    return undefined;
  }

  /** Records `wanted` as the confirmed settings. Returns the failure, if any. */
  async #commit(wanted: Network, digest: string, point: NetworkCheckpoint | undefined): Promise<OwnKeyResult | undefined> {
    const proxy = wanted.proxy === undefined ? this.state().committed.proxy : wanted.proxy;
    const committed = { digest, ...(proxy === undefined ? {} : { proxy }), ...(point === undefined ? {} : { unkept: point }) };
    const error = await this.#trial.step({ kind: "commit", committed });
    if (error !== undefined) return { status: "failed", error };
    this.#known = textOf(wanted);
    this.#deps.alarms.clear(NETWORK_ALARM, "the wanted network settings are in force");
    this.#deps.log.info({}, "the network settings are confirmed");
    return undefined;
  }

  /** Makes the machine keep confirmed settings; repeats until it succeeds or the agent stops. */
  async #keep(): Promise<void> {
    const { log, alarms } = this.#deps;
    const { unkept, ...committed } = this.state().committed;
    if (unkept === undefined) return;
    if (!(await this.#untilDone("keep", (of) => of.keep(unkept)))) return;
    alarms.clear(UNKEPT_ALARM, "the machine keeps the confirmed network settings");
    const error = await this.#trial.step({ kind: "amend", committed, forget: false });
    // If unwritten, the next start repeats `keep`, which is harmless.
    if (error !== undefined) log.warn({ error: error.message }, "that the network settings are kept could not be recorded");
  }

  /** Reverts to the old settings, however long it takes. Returns `error`; `undefined` when the agent stops first. */
  #revert(error: Issue): Promise<Issue | undefined> {
    this.#trial.fail(error);
    return this.#goBack();
  }

  async #goBack(): Promise<Issue | undefined> {
    const { log, alarms, clock } = this.#deps;
    const state = this.state();
    if (state.kind !== "reverting") throw new Error(`there is nothing to go back from: ${state.kind}`);
    const { error, failures, wanted: { point } } = state;
    log.warn({ code: error.code, error: error.message }, "returning to the old network settings");
    if (state.wanted.renewal === true) this.#notRenewed(error);
    else this.#raise(error);
    this.#useProxy();
    if (point !== undefined && !(await this.#untilDone("restore", (of) => of.restore(point)))) return undefined;
    alarms.clear(STRANDED_ALARM, "the old network settings are back");
    this.#known = undefined;
    const unwritten = await this.#trial.step({ kind: "undone", nowMs: clock.monotonicMs(), pauseMs: this.#pauseMs(failures + 1) });
    const now = this.state();
    if (now.kind === "settled" && now.failure?.wanted.renewal === true) this.#unrenewed = now.failure;
    // If unwritten, the trial stays open on disk and the next start restores the old settings again, which is harmless.
    if (unwritten !== undefined) log.warn({ error: unwritten.message }, "the failed network change could not be recorded");
    this.#link?.reconnect("reconnecting");
    this.#link?.nudge();
    return error;
  }

  /** Returns false when the agent is stopping. */
  async #untilDone(what: "keep" | "restore", work: (of: NetworkSettings) => Promise<Result<void>>): Promise<boolean> {
    const { log, alarms, policy, random, timers } = this.#deps;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      const done = await this.#machine(what, work);
      if (done.ok) return true;
      log.error({ ...done.error, attempt }, `the machine did not ${what} its network settings; retrying`);
      if (what === "restore") alarms.raise(STRANDED_ALARM, "error", `the old network settings could not be restored: ${done.error.message}`);
      else alarms.raise(UNKEPT_ALARM, "warning", `the network settings work, but the machine could not be made to keep them: ${done.error.message}; it may revert to the old ones by itself`);
      await sleep(timers, `network.${what}-again`, retryDelayMs(policy.machine, attempt, random), this.#stop.signal);
    }
    return false;
  }

  /** One call to the machine, with a deadline. Error: `network.timed-out` besides those of the call. */
  async #machine<T>(what: string, work: (of: NetworkSettings) => Promise<Result<T>>): Promise<Result<T>> {
    const { settings, timers } = this.#deps;
    if (settings === undefined) return { ok: false, error: NOT_OURS };
    try {
      return await withDeadline(timers, `network.${what}`, settings.worstCaseMs + DEADLINE_MARGIN_MS, work(settings));
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      return fail("network.timed-out", thrown.message);
    }
  }

  async #current(settings: NetworkSettings): Promise<Reading<CurrentNetwork>> {
    const read = await this.#machine("current", async (of) => ok(await of.current()));
    return read.ok ? read.value : { kind: "failed", error: settings === undefined ? NOT_OURS : read.error };
  }

  #useProxy(): void {
    const { proxy } = this.#deps;
    const held = proxyOf(this.state());
    proxy?.set(held === undefined ? proxy.configured : (held ?? undefined));
  }

  #proxyIs(wanted: Network): boolean {
    return wanted.proxy === undefined || (wanted.proxy ?? undefined) === this.#deps.proxy?.current();
  }

  #pauseMs(failures: number): number {
    return retryDelayMs(this.#deps.policy.retry, Math.max(0, failures - 1), this.#deps.random);
  }

  #failedBefore(failure: TrialFailure<NetworkTrial>): void {
    if (failure.wanted.renewal !== true) return this.#raise(failure.error);
    this.#unrenewed = failure;
    this.#notRenewed(failure.error);
  }

  #raise(error: Issue): void {
    this.#deps.alarms.raise(NETWORK_ALARM, "warning", error.message);
  }

  /** The result with the settings now observed: `failed` with an error, `applied` without. */
  async #failed(error: Issue | undefined): Promise<OwnKeyResult> {
    const shown = await this.observe();
    const observed = shown.kind === "ok" ? { observed: shown.value } : {};
    return error === undefined ? { status: "applied", ...observed } : { status: "failed", error: { code: error.code, message: error.message.slice(0, 1000) }, ...observed };
  }
}

const NOT_OURS: Issue = { code: "network.not-supported", message: "the agent cannot set this machine's network" };

function machineSettings({ interfaces, wifi, dot1x }: Network): NetworkChangeSettings | undefined {
  if (interfaces === undefined && wifi === undefined && dot1x === undefined) return undefined;
  return { ...(interfaces === undefined ? {} : { interfaces }), ...(wifi === undefined ? {} : { wifi }), ...(dot1x === undefined ? {} : { dot1x }) };
}

function textOf(wanted: Network): string {
  return canonicalJson(wanted);
}

function clean(error: Issue, wanted: Network): Issue {
  return { code: error.code, message: withoutSecrets(error.message, wanted).slice(0, 1000) };
}

function overdue(link: ChangingLink, trialMs: number): Issue {
  const status = link.status();
  const last = status.kind === "online" ? undefined : status.lastError;
  const why = last === undefined ? "no welcome arrived" : `${last.message} (${last.code})`;
  return { code: "network.change-failed", message: `no cloud welcomed the device within ${trialMs} ms over the new network settings: ${why}` };
}

function unreadable(reading: Exclude<Reading<unknown>, { kind: "ok" }>): Issue {
  const why = reading.kind === "failed" ? reading.error.message : reading.kind === "unknown" ? reading.why : "this machine cannot report them";
  return { code: "network.unreadable", message: `the current network settings cannot be read: ${why}` };
}
