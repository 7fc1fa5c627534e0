import type { Crypto } from "../../platform/ports/crypto.ts";
import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { ok, type Result } from "../../platform/ports/result.ts";
import type { InstallRequest, ReleaseFiles, SignedRelease, SoftwareStatus, SoftwareUpdater, UpdaterRequest } from "../../platform/ports/software.ts";
import type { SimulatedWorld } from "../../platform/simulated/world.ts";
import { FACTORY_SOFTWARE, RELEASES_FOLDER, type WorldState } from "../../platform/simulated/world-state.ts";
import { readManifest, type Architecture, type ReleaseInfo } from "../protocol/release.ts";
import { linkIn, MemoryFolderFs, type FolderEntries } from "../updater/memory-folder-fs.ts";
import { ReleaseFolders } from "../updater/release-folders.ts";
import { AGENT_UNIT, PLAYER_UNIT, type Services } from "../updater/services.ts";
import type { Unpacking } from "../updater/unpacking.ts";
import { UpdaterDesk } from "../updater/updater-desk.ts";
import { RESTARTS_MAX, Updater } from "../updater/updater.ts";

type Software = NonNullable<WorldState["software"]>;

/** From the order to restart the agent to its end: the updater, which is in the same process here, writes down that it gave the order. */
const RESTART_MS = 500;
/** A release that crashes does so this long after its start. */
const CRASH_MS = 2_000;
const LOOK_MS = 2_000;
const PACKAGED = "/packaged";
const SAME = "0".repeat(64);

export interface SimulatedUpdaterDeps {
  readonly world: SimulatedWorld;
  readonly timers: Timers;
  readonly log: Log;
  readonly crypto: Crypto;
  /** Version of this program, which counts as the package's. */
  readonly version: string;
  readonly arch?: Architecture;
  keys(): Promise<readonly string[]>;
  readonly keysAre: string;
  /** The service manager restarts the agent: this process has to end. */
  onRestart(): void;
}

/**
 * The updater of the simulated machine: the real one, over a folder in the simulated world, which survives power cuts. Only the package is not
 * unpacked: this program goes on in its place, under the release's version. What a release does while it is on trial is the world's
 * `software.mood`. Each process of the agent makes one.
 */
export class SimulatedUpdater implements SoftwareUpdater {
  readonly ownVersion: string;
  readonly #deps: SimulatedUpdaterDeps;
  readonly #desk: UpdaterDesk;
  readonly #ready: Promise<void>;
  readonly #pending = new Set<Timer>();
  #unpacks: ReleaseInfo;

  constructor(deps: SimulatedUpdaterDeps) {
    this.#deps = deps;
    const { world, timers, log, crypto, version, arch = thisArchitecture() } = deps;
    // As the package's own scripts do: what dpkg installed last is what runs.
    if (this.#now.packaged !== version) this.#update({ ...FACTORY_SOFTWARE, packaged: version, mood: this.#now.mood });
    this.ownVersion = versionOf(this.#now, "current");
    const packaged = infoOf(version, arch);
    this.#unpacks = packaged;
    const fs = new MemoryFolderFs(
      () => ({ ...this.#now.entries, [`${PACKAGED}/release.json`]: `=${JSON.stringify(packaged)}` }),
      ({ [`${PACKAGED}/release.json`]: _packaged, ...entries }) => this.#update({ entries }),
    );
    const updater = new Updater({
      folders: new ReleaseFolders(fs, RELEASES_FOLDER, PACKAGED, "/run/release"), packaged, keys: () => deps.keys(), keysAre: deps.keysAre, crypto, log,
      services: this.#services(), unpacking: this.#unpacking(fs), machine: { bootId: () => world.state.power.bootId, upMs: () => Math.round(world.uptimeMs()) },
    });
    // A new process would go on from what is in the world, as it does here at once.
    this.#desk = new UpdaterDesk({ updater, timers, log, lookMs: LOOK_MS, onFailure: () => deps.onRestart() });
    this.#ready = fs.makeFolder(RELEASES_FOLDER).then(() => this.#desk.start());
    this.#crashIfBad();
  }

  async status(): Promise<Result<SoftwareStatus>> {
    return (await this.#ask({ method: "status" })) as Result<SoftwareStatus>;
  }

  async check(params: SignedRelease): Promise<Result<ReleaseFiles>> {
    return (await this.#ask({ method: "check", params })) as Result<ReleaseFiles>;
  }

  async install(params: InstallRequest): Promise<Result<void>> {
    const manifest = readManifest(params.release.payload);
    if (manifest.ok) this.#unpacks = { ...this.#unpacks, version: manifest.value.version };
    return (await this.#ask({ method: "install", params })) as Result<void>;
  }

  async confirm(job: string): Promise<Result<void>> {
    return (await this.#ask({ method: "confirm", params: { job } })) as Result<void>;
  }

  async back(job: string, code: string, message: string): Promise<Result<void>> {
    return (await this.#ask({ method: "back", params: { job, code, message } })) as Result<void>;
  }

  close(): void {
    this.#desk.close();
    for (const timer of this.#pending) timer.cancel();
    this.#pending.clear();
  }

  async #ask(request: UpdaterRequest): Promise<Result<unknown>> {
    await this.#ready;
    return this.#desk.answer(request);
  }

  get #now(): Software {
    return this.#deps.world.state.software ?? FACTORY_SOFTWARE;
  }

  #update(change: Partial<Software>): void {
    this.#deps.world.update({ software: { ...this.#now, ...change } });
  }

  #services(): Services {
    return {
      states: () => {
        const { restarts } = this.#now;
        const agent = { state: restarts >= RESTARTS_MAX ? "failed" : "active", restarts, exit: restarts > 0 ? "exited 70" : "" };
        return Promise.resolve(ok({ [AGENT_UNIT]: agent, [PLAYER_UNIT]: { state: "active", restarts: 0, exit: "" } }));
      },
      reload: () => Promise.resolve(ok(undefined)),
      restart: () => {
        this.#update({ restarts: 0 });
        this.#after(RESTART_MS, () => this.#deps.onRestart());
        return Promise.resolve(ok(undefined));
      },
      lastLines: () => Promise.resolve(ok([`the simulated release ${versionOf(this.#now, "current")} ended`])),
    };
  }

  #unpacking(fs: MemoryFolderFs): Unpacking {
    return {
      package: async (_from, _artefact, tree) => ok(await fs.writeText(`${tree}/release.json`, JSON.stringify(this.#unpacks))),
      browser: async (_from, _artefact, folder) => ok(await fs.makeFolder(folder)),
      firstWrongFile: () => Promise.resolve(undefined),
      syncAll: () => Promise.resolve(ok(undefined)),
    };
  }

  #crashIfBad(): void {
    const { mood, restarts } = this.#now;
    if (mood !== "crashes" || restarts >= RESTARTS_MAX || !isOnTrial(this.#now)) return;
    this.#after(CRASH_MS, () => {
      if (!isOnTrial(this.#now)) return;
      this.#update({ restarts: this.#now.restarts + 1 });
      this.#deps.onRestart();
    });
  }

  #after(delayMs: number, fire: () => void): void {
    const timer = this.#deps.timers.after("simulated.updater", delayMs, () => {
      this.#pending.delete(timer);
      fire();
    });
    this.#pending.add(timer);
  }
}

/** Version of the release that a link names. */
export function versionOf({ entries, packaged }: Pick<Software, "entries" | "packaged">, link: "current" | "confirmed"): string {
  return linkIn(entries, `${RELEASES_FOLDER}/${link}`) ?? packaged;
}

/** Whether a release that was switched to waits for its confirmation. */
export function isOnTrial(software: { readonly entries: FolderEntries; readonly packaged: string }): boolean {
  return software.entries[`${RELEASES_FOLDER}/trial.json`] !== undefined && versionOf(software, "current") !== versionOf(software, "confirmed");
}

function infoOf(version: string, arch: Architecture): ReleaseInfo {
  return { version, arch, services: { agent: SAME, player: SAME }, files: {}, systemFiles: {} };
}

function thisArchitecture(): Architecture {
  return process.arch === "arm64" ? "arm64" : "amd64";
}
