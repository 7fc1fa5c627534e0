import type { Issue } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { StageContent, StageScene } from "../../contract/link-messages.ts";
import { initialStage, stepStage, type StageEffect, type StageEvent, type StageState } from "../stage-state.ts";

export const A: StageContent = { kind: "url", id: "a", url: "https://a.example/", grants: [] };
export const B: StageContent = { kind: "url", id: "b", url: "https://b.example/", grants: [] };
export const PACKAGE: StageContent = { kind: "package", id: "p", folder: "/p", entry: "index.html", grants: [], allowedOrigins: [] };
export const REFUSED: Issue = { code: "net.connection-refused", message: "a.example: the connection was refused." };

/** Drives the state machine and remembers its last effects. */
export class Driver {
  state: StageState;
  effects: readonly StageEffect[] = [];
  nowMs = 1_000_000;
  readonly #random = new SeededRandom(1);

  constructor(scene: StageScene) {
    this.state = initialStage(scene, this.nowMs);
  }

  take(event: StageEvent): readonly StageEffect[] {
    const step = stepStage(this.state, event, { wallMs: this.nowMs, monotonicMs: this.nowMs, random: this.#random });
    this.state = step.state;
    this.effects = step.effects;
    return step.effects;
  }

  effect<K extends StageEffect["kind"]>(kind: K): Extract<StageEffect, { kind: K }> {
    const found = this.effects.find((one): one is Extract<StageEffect, { kind: K }> => one.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} in ${JSON.stringify(this.effects)}`);
    return found;
  }

  answersProbe(error?: Issue, remark?: Issue): void {
    const { ticket } = this.effect("probe");
    this.take({ kind: "probed", ticket, answer: error === undefined ? { kind: "answers", ...(remark && { remark }) } : { kind: "away", error } });
  }

  /** Fails the load that was started, before any document arrived. */
  failsToLoad(error = REFUSED): void {
    this.take({ kind: "load-failed", load: this.effect("load").load, error, pictureKept: true });
  }

  finishes(): void {
    this.take({ kind: "load-finished", load: this.effect("load").load });
  }

  screenComes(): void {
    this.take({ kind: "load-finished", load: this.effect("show-screen").load });
  }

  fires(): void {
    this.take({ kind: "timer", ticket: this.effect("wait").ticket });
  }

  static playing(content: StageContent): Driver {
    const driver = new Driver({ kind: "content", content });
    driver.take({ kind: "shell-ready" });
    driver.finishes();
    return driver;
  }
}
