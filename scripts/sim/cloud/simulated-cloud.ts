import { silentLog } from "../../../platform/ports/log.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { Cloud } from "../../dev-cloud/sessions/cloud.ts";
import type { Connection } from "../../dev-cloud/sessions/connection.ts";
import type { OwnerSigner } from "../../dev-cloud/sessions/owner-signer.ts";
import type { Session } from "../../dev-cloud/sessions/session.ts";
import { Life } from "../device/life.ts";
import type { SimContext } from "../simulation-context.ts";
import { copyStore, SimulatedStore } from "./simulated-store.ts";

/** No limit on stored records. */
const KEEP_ALL = 1_000_000_000;

/** One cloud: a process that can be killed, and a store that can be restored to an older state. */
export class SimulatedCloud {
  readonly name: string;
  readonly origin: string;
  readonly url: string;
  readonly #sim: SimContext;
  readonly #random: SeededRandom;
  readonly #signer: OwnerSigner;
  readonly #gone: (cloud: SimulatedCloud) => void;
  #store: SimulatedStore;
  #backup: SimulatedStore | undefined;
  #life: Life | undefined;
  #cloud: Cloud | undefined;
  #lives = 0;
  #committing = false;
  restores = 0;

  constructor(sim: SimContext, name: string, signer: OwnerSigner, gone: (cloud: SimulatedCloud) => void) {
    this.#sim = sim;
    this.name = name;
    this.origin = `wss://${name}.test`;
    this.url = `${this.origin}/device`;
    this.#random = sim.random.fork(name);
    this.#signer = signer;
    this.#gone = gone;
    this.#store = this.#newStore();
  }

  get running(): boolean {
    return this.#life?.alive === true;
  }

  get cloud(): Cloud | undefined {
    return this.running ? this.#cloud : undefined;
  }

  get store(): SimulatedStore {
    return this.#store;
  }

  start(): void {
    if (this.running) return;
    const { time, trace } = this.#sim;
    const name = `${this.name}#${(this.#lives += 1)}`;
    const random = this.#random.fork(name);
    const life = new Life(this.#sim, name, random, time, () => this.#gone(this));
    life.killable = false;
    this.#life = life;
    trace.add(this.name, "starts", name);
    this.#cloud = new Cloud({
      clock: time, timers: this.#timers(life), random, crypto: this.#sim.crypto, store: this.#store, signer: this.#signer, log: silentLog, uploadsFreeBytes: () => 1e12,
      settings: {
        audiences: [this.origin], httpBase: `http://${this.name}.test`, autoClaim: true, claimTokens: new Set(), defaultDesired: () => undefined, limits: {},
        caps: { records: { outcome: KEEP_ALL, alarm: KEEP_ALL, play: KEEP_ALL, event: KEEP_ALL, metric: KEEP_ALL }, hidden: KEEP_ALL, commands: KEEP_ALL },
      },
    });
    if (this.#sim.sabotage === "numbers-reused") this.#cloud.context.misbehaviours.setForNew({ storedGoesBack: true });
    life.run("start", () => this.#cloud?.start());
  }

  kill(why: string): void {
    this.#life?.die(why);
  }

  backUp(): void {
    const backup = this.#newStore();
    copyStore(this.#store, backup);
    this.#backup = backup;
    this.#sim.trace.add(this.name, "backed-up");
  }

  /** Restores the last backup into the store of the dead process. Returns false when there is no backup. */
  restore(): boolean {
    if (this.#backup === undefined) return false;
    const restored = this.#newStore();
    copyStore(this.#backup, restored);
    this.#store = restored;
    this.restores += 1;
    this.#sim.trace.add(this.name, "restored");
    return true;
  }

  open(connection: Connection): Session {
    if (this.#cloud === undefined) throw new Error(`${this.name} is not running`);
    return this.#cloud.open(connection);
  }

  /** Runs code of the cloud's process. */
  run(what: string, work: () => void): void {
    this.#life?.run(what, work);
  }

  #newStore(): SimulatedStore {
    const { ledger } = this.#sim;
    const holds = (): boolean => store === this.#store;
    const store: SimulatedStore = new SimulatedStore({
      beforeCommit: () => {
        if (!holds()) return;
        if (this.#life !== undefined && !this.running) throw new DeadProcess("the cloud's process is dead");
        const fallible = this.#committing;
        this.#committing = false;
        if (!fallible || !this.#random.chance(this.#sim.faults().cloudCommitFailsChance)) return;
        ledger.faults += 1;
        throw new Error("the cloud's disk refused");
      },
      committed: (rows) => {
        if (!holds()) return;
        for (const row of rows) ledger.stored(this.name, row);
        if (rows.length === 0 || !this.running || !this.#random.chance(this.#sim.faults().cloudKillAtCommitChance)) return;
        ledger.faults += 1;
        this.kill("after a commit");
      },
      forgets: () => this.#sim.sabotage === "cloud-forgets",
    });
    return store;
  }

  /** Only a group commit may fail, because that is the failure the cloud must survive. */
  #timers(life: Life): Timers {
    return {
      after: (name, delayMs, fire) =>
        life.after(name, delayMs, () => {
          this.#committing = name === "cloud.commit";
          try {
            fire();
          } finally {
            this.#committing = false;
          }
        }),
      pending: () => life.pending(),
    };
  }
}

/** Thrown into code of a process that is already dead. */
export class DeadProcess extends Error {
  override readonly name = "DeadProcess";
}
