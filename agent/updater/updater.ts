import type { Crypto } from "../../platform/ports/crypto.ts";
import type { Log } from "../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import type { InstallRequest, ReleaseFiles, SignedRelease, SoftwareStatus } from "../../platform/ports/software.ts";
import { fromBase64Url, toHex } from "../../platform/runtime/encoding.ts";
import { sameJson } from "../../platform/runtime/json.ts";
import { OneAtATime } from "../../platform/runtime/one-at-a-time.ts";
import { artefactsFor, compareVersions, readManifest, type Artefact, type BrowserArtefact, type ReleaseInfo, type ReleaseManifest } from "../protocol/release.ts";
import { signedBytes } from "../protocol/signed.ts";
import type { FailureReport, ReleaseFolders, TrialRecord } from "./release-folders.ts";
import { Restarter } from "./restarter.ts";
import { AGENT_UNIT, evidenceFrom, failingBetween, UNITS, upOf, type RestartCounter, type Services } from "./services.ts";
import type { Unpacking } from "./unpacking.ts";

export interface UpdaterDeps {
  readonly folders: ReleaseFolders;
  readonly packaged: ReleaseInfo;
  /** Raw public keys of releases, base64url. Read anew for each release. */
  keys(): Promise<readonly string[]>;
  /** Where those keys are, for people. */
  readonly keysAre: string;
  readonly crypto: Crypto;
  readonly services: Services;
  readonly unpacking: Unpacking;
  readonly machine: { bootId(): string; upMs(): number };
  readonly log: Log;
  /** Called after each step that changes something on disk or asks the service manager; a test ends the process here. */
  readonly onStep?: (step: string) => void;
}

/** Automatic restarts of one service within a trial after which its release is given up. */
export const RESTARTS_MAX = 4;
/** Boots after the one in which a release was installed, within which it has to be confirmed. */
export const BOOTS_MAX = 2;

interface Release {
  readonly manifest: ReleaseManifest;
  readonly files: { readonly package: Artefact; readonly browser?: BrowserArtefact };
}

/**
 * Replaces the software by a release and takes it back unless the release confirms itself in time. What is on disk is always one of: no
 * trial; `trial.json` with `current` at the new release (on trial); `trial.json` with `confirmed` at it too (confirmed, to be finished);
 * `trial.json` with `current` elsewhere (gone back, to be finished). `recover` finishes what a power cut interrupted.
 */
export class Updater {
  readonly #deps: UpdaterDeps;
  readonly #turn = new OneAtATime();
  #installing: string | undefined;
  readonly #restarter: Restarter;
  /** A restart that no record on disk stands for. */
  #owed: readonly string[] | undefined;

  constructor(deps: UpdaterDeps) {
    this.#deps = deps;
    this.#restarter = new Restarter(deps);
  }

  /** Whether a release is on trial or being unpacked; until then the process may end. */
  async isBusy(): Promise<boolean> {
    return this.#installing !== undefined || this.#owed !== undefined || (await this.#deps.folders.trial()) !== undefined;
  }

  /** Call once at the start: finishes what was interrupted, and counts the boot. */
  recover(): Promise<void> {
    return this.#turn.run(() => this.#recover());
  }

  async status(): Promise<SoftwareStatus> {
    const { folders } = this.#deps;
    const trial = await folders.trial();
    const [confirmed, failed, interrupted] = [await folders.job("confirmed"), await folders.job("failed"), await folders.job("interrupted")];
    const report = failed?.version === undefined ? undefined : await folders.report(failed.version);
    return {
      running: await this.#version("current"),
      confirmed: await this.#version("confirmed"),
      ...(this.#installing !== undefined && { installing: { job: this.#installing } }),
      ...(trial !== undefined && { trial: { job: trial.job, version: trial.version, boots: trial.boots.length, leftMs: this.#leftMs(trial) } }),
      ...(interrupted !== undefined && { interrupted: { job: interrupted.job } }),
      ...(confirmed?.version !== undefined && { lastConfirmed: { job: confirmed.job, version: confirmed.version } }),
      ...(failed?.version !== undefined && { lastFailed: { job: failed.job, version: failed.version, ...reportOf(failed.job, report) } }),
    };
  }

  async check(release: SignedRelease): Promise<Result<ReleaseFiles>> {
    const read = await this.#read(release);
    if (!read.ok) return read;
    const { manifest, files } = read.value;
    return ok({ version: manifest.version, package: files.package, ...(files.browser !== undefined && { browser: files.browser }) });
  }

  /** After an error nothing has changed. After success the release is `current`; `restart` is to follow. */
  async install(request: InstallRequest): Promise<Result<void>> {
    if (this.#installing !== undefined) return this.#installing === request.job ? ok(undefined) : fail("update.busy", `another release is being installed (job ${this.#installing})`);
    this.#installing = request.job;
    try {
      return await this.#turn.run(() => this.#install(request));
    } catch (thrown) {
      await this.#turn.run(() => this.#dropTrialOf(request.job));
      return fail("update.disk", `the release could not be installed: ${messageOf(thrown)}`);
    } finally {
      this.#installing = undefined;
    }
  }

  /** Lets the release on trial take effect: units are read again, and the services whose files differ are restarted. */
  restart(): Promise<void> {
    return this.#turn.run(() => this.#startTrial());
  }

  confirm(job: string): Promise<Result<void>> {
    return this.#turn.run(async () => {
      const trial = await this.#deps.folders.trial();
      if (trial === undefined) return (await this.#deps.folders.job("confirmed"))?.job === job ? ok(undefined) : fail("update.no-such-trial", "no release is on trial");
      if (trial.job !== job || !(await this.#deps.folders.isCurrent(trial.version))) return fail("update.no-such-trial", `the release on trial is that of job ${trial.job}`);
      try {
        await this.#confirm(trial);
        return ok(undefined);
      } catch (thrown) {
        return fail("update.disk", `the release could not be confirmed: ${messageOf(thrown)}`, "free space on the device; it is given up otherwise");
      }
    });
  }

  /** Gives up the release on trial, if it is that of `job`. */
  back(job: string, code: string, message: string): Promise<Result<void>> {
    return this.#turn.run(async () => {
      const trial = await this.#deps.folders.trial();
      if (trial?.job !== job) return fail("update.no-such-trial", "this release is not on trial");
      if (await this.#deps.folders.isConfirmed(trial.version)) {
        await this.#finishConfirm(trial);
        return fail("update.no-such-trial", "this release is confirmed already");
      }
      return this.#goBack(trial, code, message);
    });
  }

  /**
   * Looks at the trial: gives it up when its time is over or its services keep failing, and repeats what could not be finished before.
   * Returns whether there is something left to look at.
   */
  look(): Promise<boolean> {
    return this.#turn.run(async () => {
      const { folders, services, log } = this.#deps;
      const trial = await folders.trial();
      const { due } = this.#restarter;
      if (trial === undefined) {
        if (this.#owed !== undefined && due === "now" && (await this.#restarter.restart(this.#owed)).ok) this.#owed = undefined;
        return this.#owed !== undefined;
      }
      if (await folders.isConfirmed(trial.version)) {
        // The agent could not be told, and may not ask again.
        await this.#finishConfirm(trial);
        return false;
      }
      if (!(await folders.isCurrent(trial.version))) {
        if (due === "later") return true;
        return !(await this.#goBack(trial, ...interruptionOf(trial))).ok;
      }
      if (this.#leftMs(trial) <= 0) return !(await this.#goBack(trial, "update.not-confirmed", `release ${trial.version} was not confirmed within ${Math.round(trial.deadlineMs / 1000)} s`)).ok;
      if (trial.restarted !== true && due === "now") await this.#startTrial();
      const states = await services.states(UNITS);
      if (!states.ok) {
        log.warn({ ...states.error }, "the services cannot be watched; only the time limit counts");
        return true;
      }
      const bad = this.#failing(states.value, trial.failing ?? []);
      if (bad === undefined) return true;
      return !(await this.#goBack(trial, "update.crashes", `release ${trial.version}: ${bad}`)).ok;
    });
  }

  #failing(states: Parameters<RestartCounter["take"]>[0], before: readonly string[]): string | undefined {
    for (const [unit, count] of this.#restarter.count(states)) {
      // What its picture is worth is judged by the agent.
      if (before.includes(unit)) continue;
      // Empty while the next process runs; the evidence has it from the log.
      const exit = states[unit]?.exit;
      const how = exit === undefined || exit === "" ? "" : ` (${exit})`;
      if (states[unit]?.state === "failed") return `${unit} does not run${how}`;
      if (count >= RESTARTS_MAX) return `${unit} was restarted ${count} times${how}`;
    }
    return undefined;
  }

  async #recover(): Promise<void> {
    const { folders, log } = this.#deps;
    const trial = await folders.trial();
    const installing = await folders.job("installing");
    if (trial === undefined) {
      await this.#withoutRecord();
      await folders.prune();
      // What is left of an installation that did not get as far as a trial.
      if (installing !== undefined) await folders.becomes("installing", "interrupted");
      return;
    }
    if (installing !== undefined) await folders.drop("installing");
    if (await folders.isConfirmed(trial.version)) return this.#finishConfirm(trial);
    if (!(await folders.isCurrent(trial.version))) {
      log.warn({ job: trial.job, version: trial.version }, "going back to the confirmed release was interrupted");
      return void (await this.#goBack(trial, ...interruptionOf(trial)));
    }
    await this.#countBoot(trial);
  }

  /** A failing card can lose the record of a trial: then nobody would ever judge its release. */
  async #withoutRecord(): Promise<void> {
    const { folders, log } = this.#deps;
    // A record that cannot be read would have this process started again and again.
    await folders.drop("trial");
    if (!(await folders.isUnconfirmed())) return;
    const from = await folders.folder("current");
    log.error({ from }, "a release is on trial without its record; it is given up");
    await folders.switchBack();
    this.#step("switched-back");
    const units = await this.#unitsToRestart(from, await folders.folder("current"));
    if (!(await this.#restarter.restart(units)).ok) this.#owed = units;
  }

  /** After an error in the switch the confirmed release is what it was, and no record keeps other updates out. The services were not asked for anything yet. */
  async #dropTrialOf(job: string): Promise<void> {
    const { folders, log } = this.#deps;
    try {
      const trial = await folders.trial();
      if (trial?.job !== job) return;
      if (await folders.isCurrent(trial.version)) await folders.switchBack();
      await folders.drop("trial");
      await folders.prune();
    } catch (thrown) {
      // The next look goes back.
      log.error({ error: messageOf(thrown) }, "the switch to a release failed and could not be undone yet");
    }
  }

  async #countBoot(trial: TrialRecord): Promise<void> {
    const { folders, machine } = this.#deps;
    if (trial.boots.some(({ id }) => id === machine.bootId())) return trial.restarted === true ? undefined : this.#startTrial();
    const boots = [...trial.boots, { id: machine.bootId(), upMs: machine.upMs() }];
    if (boots.length > BOOTS_MAX + 1) return void (await this.#goBack(trial, "update.not-confirmed", `release ${trial.version} was not confirmed in ${trial.boots.length} boots`));
    try {
      await folders.writeTrial({ ...trial, boots, restarted: true });
      this.#step("boot-counted");
    } catch (thrown) {
      // A trial that cannot be counted could go on for ever.
      await this.#goBack(trial, "update.disk", `the trial of release ${trial.version} could not be recorded: ${messageOf(thrown)}`);
    }
  }

  async #read(release: SignedRelease): Promise<Result<Release>> {
    const signed = await this.#verify(release);
    if (!signed.ok) return signed;
    const manifest = readManifest(release.payload);
    if (!manifest.ok) return manifest;
    const running = await this.#version("current");
    const order = compareVersions(manifest.value.version, running);
    if (order === 0) return fail("update.not-newer", `release ${running} is running already`);
    if (order < 0 && manifest.value.downgrade !== true) return fail("update.not-newer", `release ${manifest.value.version} is older than the running ${running}`, "a manifest with downgrade: true may go back to an older release");
    const files = artefactsFor(manifest.value, this.#deps.packaged.arch);
    return files.ok ? ok({ manifest: manifest.value, files: files.value }) : files;
  }

  async #verify({ payload, key, signature }: SignedRelease): Promise<Result<void>> {
    const { crypto } = this.#deps;
    for (const text of await this.#deps.keys()) {
      const raw = fromBase64Url(text);
      if (raw === undefined || toHex((await crypto.sha256(raw)).subarray(0, 16)) !== key) continue;
      const bytes = fromBase64Url(signature);
      const good = bytes !== undefined && (await crypto.verifyEd25519(raw, signedBytes("software", payload), bytes));
      return good ? ok(undefined) : fail("update.bad-signature", "the release manifest was changed after it was signed, or its signature is damaged");
    }
    return fail("update.unknown-key", `the release is signed with key ${key}, which this device does not trust`, `keys of releases are in ${this.#deps.keysAre}`);
  }

  async #install({ job, release, package: packageFile, browser: browserFile, deadlineMs }: InstallRequest): Promise<Result<void>> {
    const { folders, services } = this.#deps;
    const trial = await folders.trial();
    if (trial !== undefined) return trial.job === job ? ok(undefined) : fail("update.busy", `release ${trial.version} is on trial (job ${trial.job})`);
    const read = await this.#read(release);
    if (!read.ok) return read;
    const { version } = read.value.manifest;
    const before = await services.states(UNITS);
    await folders.drop("interrupted");
    await folders.writeInstalling(job, version);
    this.#step("installing");
    const unpacked = await this.#unpack(read.value, packageFile, browserFile);
    if (!unpacked.ok) {
      await folders.prune();
      await folders.drop("installing");
      return unpacked;
    }
    await folders.adopt(`${folders.incoming}/tree`, version);
    this.#step("adopted");
    await folders.prepareBack();
    this.#step("back-prepared");
    // Unpacking takes longer than a service that keeps failing needs to be started again.
    const after = await services.states(UNITS);
    const failing = before.ok && after.ok ? failingBetween(before.value, after.value) : [];
    await folders.writeTrial({ job, version, deadlineMs, failing: [...failing], ...(after.ok && { up: upOf(after.value) }), boots: [{ id: this.#deps.machine.bootId(), upMs: this.#deps.machine.upMs() }] });
    this.#step("trial-written");
    await folders.drop("installing");
    await folders.switchTo(version);
    this.#step("switched");
    return ok(undefined);
  }

  async #unpack({ manifest, files }: Release, packageFile: string, browserFile: string | undefined): Promise<Result<void>> {
    const { folders, unpacking, packaged } = this.#deps;
    const tree = await folders.clearIncoming();
    const unpacked = await unpacking.package(packageFile, files.package, tree);
    if (!unpacked.ok) return unpacked;
    this.#step("unpacked");
    const info = await folders.info(tree);
    if (!info.ok) return info;
    if (info.value.version !== manifest.version || info.value.arch !== packaged.arch) return fail("update.bad-package", `the package is release ${info.value.version} for ${info.value.arch}; the manifest says ${manifest.version} for ${packaged.arch}`);
    if (!sameJson(info.value.systemFiles, packaged.systemFiles)) return fail("update.needs-package", `release ${manifest.version} changes files that only the package manager can place`, "install its Debian package with apt or dpkg");
    const wrong = await unpacking.firstWrongFile(tree, info.value.files);
    if (wrong !== undefined) return fail("update.bad-package", `${wrong} is not as the release says`, "its storage may be failing; try again");
    if (files.browser !== undefined) {
      const browser = await this.#bringBrowser(files.browser, browserFile, tree);
      if (!browser.ok) return browser;
    }
    return unpacking.syncAll(folders.root);
  }

  /** Unpacks the browser unless it is there already, and links the release to it. */
  async #bringBrowser(artefact: BrowserArtefact, file: string | undefined, tree: string): Promise<Result<void>> {
    const { folders, unpacking } = this.#deps;
    if (file === undefined) return fail("update.bad-package", "the release has a browser, and its file was not given");
    const folder = folders.browserFolder(artefact);
    if (!(await folders.has(folder))) {
      const unpacked = await unpacking.browser(file, artefact, folders.incomingBrowser);
      const synced = unpacked.ok ? await unpacking.syncAll(folders.root) : unpacked;
      if (!synced.ok) return synced;
      await folders.adoptBrowser(folder);
      this.#step("browser-unpacked");
    }
    await folders.linkBrowser(tree, folder);
    return ok(undefined);
  }

  async #confirm(trial: TrialRecord): Promise<void> {
    await this.#deps.folders.confirm(trial.version);
    this.#step("confirmed");
    await this.#finishConfirm(trial);
  }

  async #finishConfirm(trial: TrialRecord): Promise<void> {
    const { folders, log } = this.#deps;
    await folders.becomes("trial", "confirmed");
    this.#step("trial-ended");
    log.info({ job: trial.job, version: trial.version }, "the release is confirmed");
    await folders.prune();
    this.#step("pruned");
  }

  /**
   * The links first decide, then the services follow; the record of the trial goes last, so that each step is repeated until all are done.
   * Error: the service manager refused; the record stays, and `look` or `recover` goes on.
   */
  async #goBack(trial: TrialRecord, code: string, message: string): Promise<Result<void>> {
    const { folders, log, services } = this.#deps;
    log.error({ job: trial.job, version: trial.version, code, reason: message }, "the release is given up");
    await this.#keepEvidence(trial, code, message);
    this.#step("evidence");
    await folders.switchBack();
    this.#step("switched-back");
    const restarted = await this.#restarter.restart(await this.#unitsToRestart(folders.releaseFolder(trial.version), await folders.folder("current")), trial.up);
    if (!restarted.ok) return restarted;
    this.#step("restarted");
    await folders.becomes("trial", "failed");
    this.#step("failed-written");
    this.#restarter.countAnew();
    const states = await services.states(UNITS);
    log.info({ ...(states.ok ? states.value : states.error) }, "the confirmed release runs again");
    await folders.prune();
    this.#step("pruned");
    return ok(undefined);
  }

  /** Whether the disk takes it or not: going back is more important. */
  async #keepEvidence(trial: TrialRecord, code: string, message: string): Promise<void> {
    const { folders, services, log } = this.#deps;
    const stored = await folders.report(trial.version);
    // Already kept, by a process that ended before it was back.
    if (stored?.job === trial.job) return;
    try {
      await folders.writeReport(trial.version, { job: trial.job, code, message, evidence: await evidenceFrom(services) });
    } catch (thrown) {
      log.error({ error: messageOf(thrown) }, "what the release left could not be kept");
    }
  }

  async #startTrial(): Promise<void> {
    const { folders, log } = this.#deps;
    const trial = await folders.trial();
    if (trial === undefined) return;
    const restarted = await this.#restarter.restart(await this.#unitsToRestart(await folders.folder("confirmed"), await folders.folder("current")), trial.up);
    if (!restarted.ok) return;
    this.#step("restarted");
    try {
      await folders.writeTrial({ ...trial, restarted: true });
    } catch (thrown) {
      // At worst they are restarted once more.
      log.warn({ error: messageOf(thrown) }, "it could not be recorded that the services were restarted");
    }
  }

  /** The agent, and the player unless all that it runs is the same. */
  async #unitsToRestart(from: string, to: string): Promise<readonly string[]> {
    const { folders } = this.#deps;
    const [one, other] = [await folders.info(from), await folders.info(to)];
    const isSamePlayer = one.ok && other.ok && one.value.services.player === other.value.services.player && (await folders.browserOf(from)) === (await folders.browserOf(to));
    return isSamePlayer ? [AGENT_UNIT] : UNITS;
  }

  #leftMs(trial: TrialRecord): number {
    const { machine } = this.#deps;
    const boot = trial.boots.find(({ id }) => id === machine.bootId());
    return boot === undefined ? trial.deadlineMs : trial.deadlineMs - (machine.upMs() - boot.upMs);
  }

  async #version(link: "current" | "confirmed"): Promise<string> {
    const { folders, packaged } = this.#deps;
    const info = await folders.info(await folders.folder(link));
    return info.ok ? info.value.version : packaged.version;
  }

  #step(name: string): void {
    this.#deps.onStep?.(name);
  }
}

function interruptionOf({ version }: TrialRecord): [code: string, message: string] {
  return ["update.interrupted", `the switch to release ${version} was interrupted`];
}

function reportOf(job: string, report: FailureReport | undefined): Pick<FailureReport, "code" | "message" | "evidence"> {
  if (report?.job === job) return { code: report.code, message: report.message, evidence: report.evidence };
  return { code: "update.interrupted", message: "the release was given up; what it left could not be kept", evidence: { services: {}, log: [] } };
}
