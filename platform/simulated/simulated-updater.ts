import * as v from "valibot";
import type { Timer, Timers } from "../ports/clock.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { InstallRequest, ReleaseFiles, SignedRelease, SoftwareStatus, SoftwareUpdater } from "../ports/software.ts";
import { parseJson } from "../runtime/json.ts";
import { FACTORY_SOFTWARE, type WorldState } from "./world-state.ts";
import type { SimulatedWorld } from "./world.ts";

type Software = NonNullable<WorldState["software"]>;

/** From the switch to the restart of the agent, as with the real updater. */
const RESTART_MS = 500;
/** A release that crashes does so this long after its start. */
const CRASH_MS = 2_000;
const RESTARTS_MAX = 4;
const BOOTS_MAX = 3;

const file = v.object({ url: v.string(), bytes: v.number(), sha256: v.string() });
/** The part of a manifest that the simulation uses. */
const manifestSchema = v.object({ version: v.string(), packages: v.objectWithRest({}, v.optional(file)) });

/**
 * The updater of the simulated machine. It keeps the real one's records in the world, so that they survive power cuts, and installs nothing:
 * only the versions change. Signatures are not checked. What a release on trial does is the world's `software.mood`. Each process of the agent makes one.
 */
export class SimulatedUpdater implements SoftwareUpdater {
  readonly ownVersion: string;
  readonly #world: SimulatedWorld;
  readonly #timers: Timers;
  readonly #onRestart: () => void;
  readonly #pending = new Set<Timer>();

  /** `onRestart`: the service manager restarts the agent. */
  constructor(world: SimulatedWorld, timers: Timers, onRestart: () => void) {
    this.#world = world;
    this.#timers = timers;
    this.#onRestart = onRestart;
    this.#countBoot();
    this.ownVersion = this.#now.running;
    this.#watch();
  }

  status(): Promise<Result<SoftwareStatus>> {
    const { trial, mood: _mood, ...rest } = this.#now;
    const { lastFailed, lastConfirmed, ...plain } = rest;
    return Promise.resolve(ok({
      ...plain,
      ...(lastConfirmed !== undefined && { lastConfirmed }),
      ...(trial !== undefined && { trial: { job: trial.job, version: trial.version, boots: trial.boots.length, leftMs: this.#leftMs(trial) } }),
      ...(lastFailed !== undefined && { lastFailed: { ...lastFailed, evidence: { services: {}, log: [`the simulated release ${lastFailed.version} ended`] } } }),
    }));
  }

  check({ payload }: SignedRelease): Promise<Result<ReleaseFiles>> {
    const parsed = v.safeParse(manifestSchema, parseJson(payload));
    if (!parsed.success) return Promise.resolve(fail("update.bad-manifest", `the release manifest: ${parsed.issues[0].message}`));
    const { version, packages } = parsed.output;
    if (version === this.#now.running) return Promise.resolve(fail("update.not-newer", `release ${version} is running already`));
    const artefact = Object.values(packages).find((each) => each !== undefined);
    return Promise.resolve(artefact === undefined ? fail("update.wrong-machine", `release ${version} has no package`) : ok({ version, package: artefact }));
  }

  async install({ job, release, deadlineMs }: InstallRequest): Promise<Result<void>> {
    const { trial } = this.#now;
    if (trial !== undefined) return trial.job === job ? ok(undefined) : fail("update.busy", `release ${trial.version} is on trial`);
    const checked = await this.check(release);
    if (!checked.ok) return checked;
    const { version } = checked.value;
    this.#update({ running: version, trial: { job, version, deadlineMs, restarts: 0, boots: [{ id: this.#bootId, upMs: this.#world.uptimeMs() }] } });
    this.#after(RESTART_MS, () => this.#onRestart());
    return ok(undefined);
  }

  confirm(job: string): Promise<Result<void>> {
    const { trial, lastConfirmed } = this.#now;
    if (trial === undefined && lastConfirmed?.job === job) return Promise.resolve(ok(undefined));
    if (trial?.job !== job) return Promise.resolve(fail("update.no-such-trial", "this release is not on trial"));
    this.#update({ confirmed: trial.version, trial: undefined, lastConfirmed: { job, version: trial.version } });
    return Promise.resolve(ok(undefined));
  }

  back(job: string, code: string, message: string): Promise<Result<void>> {
    if (this.#now.trial?.job !== job) return Promise.resolve(fail("update.no-such-trial", "this release is not on trial"));
    this.#goBack(code, message);
    return Promise.resolve(ok(undefined));
  }

  close(): void {
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
  }

  get #now(): Software {
    return this.#world.state.software ?? FACTORY_SOFTWARE;
  }

  get #bootId(): string {
    return this.#world.state.power.bootId;
  }

  #update(change: { [K in keyof Software]?: Software[K] | undefined }): void {
    const next = Object.fromEntries(Object.entries({ ...this.#now, ...change }).filter(([, value]) => value !== undefined));
    this.#world.update({ software: next as Software });
  }

  #countBoot(): void {
    const { trial } = this.#now;
    if (trial === undefined || trial.boots.some(({ id }) => id === this.#bootId)) return;
    const boots = [...trial.boots, { id: this.#bootId, upMs: this.#world.uptimeMs() }];
    if (boots.length > BOOTS_MAX) this.#end("update.not-confirmed", `release ${trial.version} was not confirmed in ${trial.boots.length} boots`);
    else this.#update({ trial: { ...trial, boots } });
  }

  /** Does what the release on trial does, and what the updater does about it. */
  #watch(): void {
    const { trial, mood } = this.#now;
    if (trial === undefined) return;
    this.#after(Math.max(0, this.#leftMs(trial)), () => this.#goBack("update.not-confirmed", `release ${trial.version} was not confirmed in time`));
    if (mood !== "crashes") return;
    if (trial.restarts >= RESTARTS_MAX) return this.#goBack("update.crashes", `release ${trial.version}: the agent was restarted ${trial.restarts} times`);
    this.#after(CRASH_MS, () => {
      if (this.#now.trial?.job !== trial.job) return;
      this.#update({ trial: { ...this.#now.trial, restarts: trial.restarts + 1 } });
      this.#onRestart();
    });
  }

  #goBack(code: string, message: string): void {
    if (this.#now.trial === undefined) return;
    this.#end(code, message);
    this.#after(RESTART_MS, () => this.#onRestart());
  }

  #end(code: string, message: string): void {
    const { trial, confirmed } = this.#now;
    if (trial !== undefined) this.#update({ running: confirmed, trial: undefined, lastFailed: { job: trial.job, version: trial.version, code, message } });
  }

  #leftMs({ boots, deadlineMs }: NonNullable<Software["trial"]>): number {
    const boot = boots.find(({ id }) => id === this.#bootId);
    return boot === undefined ? deadlineMs : deadlineMs - Math.max(0, this.#world.uptimeMs() - boot.upMs);
  }

  #after(delayMs: number, fire: () => void): void {
    const timer = this.#timers.after("simulated.updater", delayMs, () => {
      this.#pending.delete(timer);
      fire();
    });
    this.#pending.add(timer);
  }
}
