import type { HostRequest, StageReport } from "../../../../player-host/contract/link-messages.ts";
import { fail, ok, type Result } from "../../../../platform/ports/result.ts";
import { Emitter } from "../../../../platform/runtime/emitter.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import type { PlayerLink, PlayerStatus } from "../../player/player-port.ts";

type Present = Extract<PlayerStatus, { kind: "present" }>;

/** A player host that a test plays by hand: `answer` says what becomes of a request. */
export class FakePlayer implements PlayerLink {
  readonly requests: HostRequest[] = [];
  answer: (request: HostRequest) => Result<JsonObject> | Promise<Result<JsonObject>> = () => ok({});
  #status: PlayerStatus;
  readonly #changed = new Emitter<PlayerStatus>((thrown) => {
    throw thrown;
  });

  constructor(stage: StageReport | "absent" = { kind: "playing", content: "menu", sinceMs: 0, loads: 3 }) {
    this.#status = stage === "absent" ? { kind: "absent", how: "lost", sinceMs: 0, why: "it was never there" } : host("host-1", 100, stage);
  }

  status(): PlayerStatus {
    return this.#status;
  }

  onStatus(listener: (status: PlayerStatus) => void): () => void {
    return this.#changed.on(listener);
  }

  show(stage: StageReport): void {
    const { instance, pid } = this.#status as Present;
    this.#become(host(instance, pid, stage));
  }

  /** What the player's own witness of loads says, the stage as it is. */
  sayOfLoads(says: string): void {
    const { instance, pid, stage } = this.#status as Present;
    const now = host(instance, pid, stage);
    this.#become({ ...now, picture: { ...now.picture, evidence: [{ witness: "load", says }] } });
  }

  vanish(): void {
    this.#become({ kind: "absent", how: "lost", sinceMs: 0, why: "the host ended" });
  }

  appear(instance: string, pid: number, stage: StageReport): void {
    this.#become(host(instance, pid, stage));
  }

  async request(request: HostRequest): Promise<Result<JsonObject>> {
    if (this.#status.kind === "absent") return fail("player.absent", "no player host is connected");
    this.requests.push(request);
    return this.answer(request);
  }

  onEvent(): () => void {
    return () => {};
  }
  setScene(): void {}
  setContext(): void {}
  pageStored(): void {}
  sendGpio(): void {}

  #become(status: PlayerStatus): void {
    this.#status = status;
    this.#changed.emit(status);
  }
}

function host(instance: string, pid: number, stage: StageReport): Present {
  return {
    kind: "present",
    instance,
    pid,
    shell: "fake",
    stage,
    picture: { verdict: "showing", confidence: 1, evidence: [] },
    heardMs: 0,
  };
}
