import type { KeptPicture, UpdateFiles } from "../../../agent/core/updates/update-files.ts";
import { readManifest, type ReleaseInfo } from "../../../agent/protocol/release.ts";
import type { FolderFs } from "../../../agent/updater/folder-fs.ts";
import { linkIn, MemoryFolderFs, type FolderEntries } from "../../../agent/updater/memory-folder-fs.ts";
import { ReleaseFolders } from "../../../agent/updater/release-folders.ts";
import { AGENT_UNIT, PLAYER_UNIT, UNITS, type Services } from "../../../agent/updater/services.ts";
import { UpdaterDesk } from "../../../agent/updater/updater-desk.ts";
import type { Unpacking } from "../../../agent/updater/unpacking.ts";
import { Updater } from "../../../agent/updater/updater.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import type { SoftwareStatus, SoftwareUpdater, UpdaterRequest } from "../../../platform/ports/software.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { pause } from "../pause.ts";
import { PACKAGED_VERSION, WITHOUT_PICTURE, type ReleaseKind } from "../releases.ts";
import type { SimContext } from "../simulation-context.ts";
import { Life } from "./life.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

const ROOT = "/releases";
const PACKAGED = "/packaged";
const LOOK_MS = 2_000;
const SAME = "0".repeat(64);
const NEEDS_SPACE = { write: true, symlink: true, "make-folder": true };
const PACKAGE: ReleaseInfo = { version: PACKAGED_VERSION, arch: "arm64", services: { agent: SAME, player: SAME }, files: {}, systemFiles: {} };

/** What the updater reaches of its machine. */
export interface ReleasesMachine {
  readonly name: string;
  readonly random: SeededRandom;
  readonly clock: Clock;
  readonly disk: SimulatedDisk;
  bootId(): string;
  isOff(): boolean;
  hasNetwork(): boolean;
  /** Automatic restarts of the agent since it was restarted by hand. */
  agentRestarts(): number;
  restartAgent(): void;
  restartPlayer(): void;
  powerCut(offMs: number): void;
}

/** The releases of one device with the real updater in successive processes, started by a request and, while something is unfinished, at each boot. */
export class SimulatedReleases {
  readonly #sim: SimContext;
  readonly #machine: ReleasesMachine;
  readonly onChange = new Set<() => void>();
  #entries: FolderEntries = { [`${PACKAGED}/release.json`]: `=${JSON.stringify(PACKAGE)}`, [ROOT]: "/" };
  #process: { readonly life: Life; readonly desk: UpdaterDesk; readonly ready: Promise<void> } | undefined;
  #starts = 0;
  #unpacks = PACKAGED_VERSION;
  #picture: KeptPicture | undefined;

  constructor(sim: SimContext, machine: ReleasesMachine) {
    this.#sim = sim;
    this.#machine = machine;
  }

  get running(): string {
    return this.#version("current");
  }

  get confirmed(): string {
    return this.#version("confirmed");
  }

  /** What is wrong with the release that runs. */
  get fault(): ReleaseKind {
    return this.#sim.releases.kindOf(this.running);
  }

  /** Job and time limit (ms) of the trial; `undefined`: there is none. */
  get trial(): { readonly job: string; readonly deadlineMs: number } | undefined {
    const text = this.#entries[`${ROOT}/trial.json`];
    return text === undefined ? undefined : (JSON.parse(text.slice(1)) as { job: string; deadlineMs: number });
  }

  /** Whether the release that a link names is there as a whole. */
  isWhole(link: "current" | "confirmed"): boolean {
    const version = linkIn(this.#entries, `${ROOT}/${link}`);
    return version === undefined || this.#entries[`${ROOT}/${version}/release.json`] !== undefined;
  }

  boot(): void {
    if (this.#isUnfinished) this.#start();
  }

  powerOff(): void {
    this.#process?.life.die("the machine goes down");
  }

  /** The updater's socket, as one process of the agent uses it. */
  connect(agent: Life): SoftwareUpdater {
    const ask = (request: UpdaterRequest): Promise<Result<unknown>> => agent.call(`updater.${request.method}`, () => this.#ask(request));
    return {
      status: async () => this.#told((await ask({ method: "status" })) as Result<SoftwareStatus>),
      check: async (params) => (await ask({ method: "check", params })) as Awaited<ReturnType<SoftwareUpdater["check"]>>,
      install: async (params) => {
        const manifest = readManifest(params.release.payload);
        if (manifest.ok) this.#unpacks = manifest.value.version;
        return (await ask({ method: "install", params })) as Result<void>;
      },
      confirm: async (job) => (await ask({ method: "confirm", params: { job } })) as Result<void>,
      back: async (job, code, message) => {
        const lenient = this.#sim.sabotage === "lenient-judge" && code === "update.picture-worse" && WITHOUT_PICTURE.has(this.fault);
        return (await ask(lenient ? { method: "confirm", params: { job } } : { method: "back", params: { job, code, message } })) as Result<void>;
      },
    };
  }

  /** The agent's folder for downloads. */
  files(agent: Life): UpdateFiles {
    return {
      fetch: ({ sha256 }, progress, signal) =>
        agent.call("update.fetch", async () => {
          const { random } = agent;
          if (!(await sleep(agent, "sim.update-download", random.integer(500, 60_000), signal))) return fail("content.aborted", "given up");
          progress(1);
          if (!this.#machine.hasNetwork() || random.chance(0.1)) return fail("content.unreachable", "the download broke off");
          return this.#machine.disk.mood === "full" ? fail("content.disk", "no space left on device") : ok(`/updates/${sha256}`);
        }),
      keepPicture: (picture) =>
        agent.call("update.keep-picture", () => {
          this.#picture = picture;
          return Promise.resolve(ok(undefined));
        }),
      picture: () => agent.call("update.picture", () => Promise.resolve(this.#picture)),
      clear: () =>
        agent.call("update.clear", () => {
          this.#picture = undefined;
          return Promise.resolve();
        }),
    };
  }

  get #isUnfinished(): boolean {
    return ["trial", "installing"].some((name) => this.#entries[`${ROOT}/${name}.json`] !== undefined);
  }

  #version(link: "current" | "confirmed"): string {
    return linkIn(this.#entries, `${ROOT}/${link}`) ?? PACKAGED_VERSION;
  }

  async #ask(request: UpdaterRequest): Promise<Result<unknown>> {
    const process = this.#process ?? this.#start();
    const gone = new Promise<Result<never>>((resolve) => {
      // As a closed connection does.
      process.life.atDeath(() => resolve(fail("update.no-updater", "the updater ended before it answered")));
    });
    const answer = await Promise.race([process.ready.then(() => process.desk.answer(request)), gone]);
    if (request.method === "install" && answer.ok && this.#sim.sabotage === "blind-confirmation" && !WITHOUT_PICTURE.has(this.fault)) await process.desk.answer({ method: "confirm", params: { job: request.params.job } });
    return answer;
  }

  /** Sabotage: every job that went back is said to be confirmed. */
  #told(status: Result<SoftwareStatus>): Result<SoftwareStatus> {
    const failed = status.ok ? status.value.lastFailed : undefined;
    if (this.#sim.sabotage !== "invented-update" || !status.ok || failed === undefined) return status;
    const { lastFailed: _failed, ...rest } = status.value;
    return ok({ ...rest, lastConfirmed: { job: failed.job, version: failed.version } });
  }

  #start(): { readonly life: Life; readonly desk: UpdaterDesk; readonly ready: Promise<void> } {
    const { name, random, clock } = this.#machine;
    this.#starts += 1;
    const life = new Life(this.#sim, `${name}-updater#${this.#starts}`, random.fork(`updater-${this.#starts}`), clock, () => this.#ended());
    const fs = this.#fs(life);
    const updater = new Updater({
      folders: new ReleaseFolders(fs, ROOT, PACKAGED, "/run/release"), packaged: PACKAGE, keys: () => Promise.resolve([this.#sim.releases.key]), keysAre: "the simulation",
      crypto: this.#sim.crypto, services: this.#services(life), unpacking: this.#unpacking(life, fs), machine: { bootId: () => this.#machine.bootId(), upMs: () => Math.round(clock.monotonicMs()) }, log: silentLog,
      onStep: (step) => this.#sim.trace.add(life.name, "updater", step),
    });
    const desk = new UpdaterDesk({ updater, timers: life, log: silentLog, lookMs: LOOK_MS, onFailure: () => life.die("it failed") });
    const ready = desk.start();
    ready.catch((thrown: unknown) => life.die(`it cannot start: ${messageOf(thrown)}`));
    const process = { life, desk, ready };
    this.#process = process;
    return process;
  }

  #ended(): void {
    this.#process = undefined;
    if (this.#sim.sabotage === "trial-unwatched") return;
    this.#sim.time.after("sim.updater-restart", this.#machine.random.integer(100, 6_000), () => {
      if (this.#process === undefined && !this.#machine.isOff() && this.#isUnfinished) this.#start();
    });
  }

  /** Takes time, and the power may fail before or after each change. */
  #fs(life: Life): FolderFs {
    const memory = new MemoryFolderFs(() => this.#entries, (entries) => this.#change(entries));
    const cut = (): boolean => {
      const chance = this.#sim.faults().cutInUpdateChance;
      if (chance === 0 || !life.random.chance(chance)) return false;
      this.#sim.ledger.faults += 1;
      this.#sim.ledger.updates.count("power cuts at a step");
      this.#machine.powerCut(life.random.integer(2_000, 60_000));
      return true;
    };
    const change = <T>(what: string, work: () => Promise<T>): Promise<T> =>
      life.call(`releases.${what}`, async () => {
        await pause(life, "sim.release-write", life.random.integer(1, 20));
        if (cut()) return new Promise<T>(() => {});
        // Names change and go without space.
        if (what in NEEDS_SPACE && this.#machine.disk.mood === "full") {
          this.#sim.ledger.updates.count("changes refused by a full disk");
          throw new Error("ENOSPC: no space left on device");
        }
        const done = await work();
        return cut() ? new Promise<T>(() => {}) : done;
      });
    return {
      exists: (path) => memory.exists(path),
      readText: (path) => memory.readText(path),
      readLink: (path) => memory.readLink(path),
      list: (folder) => memory.list(folder),
      sync: (folder) => memory.sync(folder),
      writeText: (path, text) => change("write", () => memory.writeText(path, text)),
      symlink: (target, path) => change("symlink", () => memory.symlink(target, path)),
      rename: (from, to) => change("rename", () => memory.rename(from, to)),
      remove: (path) => change("remove", () => memory.remove(path)),
      makeFolder: (path) => change("make-folder", () => memory.makeFolder(path)),
    };
  }

  #change(entries: FolderEntries): void {
    const kept = this.confirmed;
    this.#entries = entries;
    // Sabotage: once another release is switched to, the one to go back to is removed.
    if (this.#sim.sabotage === "no-old-release" && this.running !== this.confirmed) {
      this.#entries = Object.fromEntries(Object.entries(entries).filter(([path]) => !path.startsWith(`${ROOT}/${kept}/`)));
    }
    for (const listener of this.onChange) listener();
  }

  #services(life: Life): Services {
    return {
      states: () => {
        const restarts = this.#machine.agentRestarts();
        return Promise.resolve(ok({ [AGENT_UNIT]: { state: "active", restarts, exit: restarts > 0 ? "exited 70" : "" }, [PLAYER_UNIT]: { state: "active", restarts: 0, exit: "" } }));
      },
      reload: () => Promise.resolve(ok(undefined)),
      restart: (units) =>
        life.call("services.restart", () => {
          if (units.includes(PLAYER_UNIT)) this.#machine.restartPlayer();
          this.#machine.restartAgent();
          return Promise.resolve(ok(undefined));
        }),
      lastLines: () => Promise.resolve(ok([`the last words of ${UNITS.length} services of release ${this.running}`])),
    };
  }

  #unpacking(life: Life, fs: FolderFs): Unpacking {
    return {
      package: async (_from, _artefact, tree) => {
        const version = this.#unpacks;
        await pause(life, "sim.unpack", life.random.integer(1_000, 20_000));
        if (this.#machine.disk.mood === "full") return fail("update.disk-full", "the disk is too full for the release");
        const kind = this.#sim.releases.kindOf(version);
        // A picture can only be wrong with another player.
        const services = WITHOUT_PICTURE.has(kind) ? { ...PACKAGE.services, player: "1".repeat(64) } : PACKAGE.services;
        const info = { ...PACKAGE, version: kind === "bad-package" ? "9.9.9" : version, services, systemFiles: kind === "needs-package" ? { "/usr/lib/sysusers.d/vitrine.conf": SAME } : {} };
        await fs.writeText(`${tree}/release.json`, JSON.stringify(info));
        return ok(undefined);
      },
      browser: () => Promise.resolve(fail("update.bad-package", "no release here has a browser")),
      firstWrongFile: () => Promise.resolve(undefined),
      syncAll: () => Promise.resolve(ok(undefined)),
    };
  }
}
