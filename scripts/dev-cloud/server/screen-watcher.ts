import type { Timer } from "../../../platform/ports/clock.ts";
import type { Cloud } from "../sessions/cloud.ts";

const EVERY_MS = 10_000;
const FIRST_MS = 500;

/**
 * Live pictures for the dashboard: requests a small screenshot of each watched, claimed, online device every ten
 * seconds, through an ordinary signed command marked internal. Requests nothing while nobody is watching.
 */
export class ScreenWatcher {
  readonly #cloud: Cloud;
  readonly #watched: () => "all" | ReadonlySet<string>;
  readonly #nextMs = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(cloud: Cloud, watched: () => "all" | ReadonlySet<string>) {
    this.#cloud = cloud;
    this.#watched = watched;
  }

  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#cloud.context.timers.after("screens.look", FIRST_MS, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const watched = this.#watched();
    if (watched !== "all" && watched.size === 0) return;
    const { live, clock } = this.#cloud.context;
    const nowMs = clock.monotonicMs();
    for (const { device } of live.all()) {
      if (watched !== "all" && !watched.has(device)) continue;
      if ((this.#nextMs.get(device) ?? 0) > nowMs || !this.#mayAsk(device)) continue;
      this.#nextMs.set(device, nowMs + EVERY_MS);
      this.#ask(device);
    }
  }

  #mayAsk(device: string): boolean {
    const { store } = this.#cloud.context;
    if (store.device(device)?.owner === undefined) return false;
    const commands = store.document(device, "profile")?.document["commands"];
    if (!Array.isArray(commands) || !commands.includes("screenshot")) return false;
    // One at a time, so that a slow device does not get a queue of them.
    return !store.openCommands(device).some((command) => command.internal && command.name === "screenshot");
  }

  #ask(device: string): void {
    const { store, log } = this.#cloud.context;
    const row = store.device(device);
    if (row === undefined) return;
    const made = this.#cloud.commands.create(row, {
      name: "screenshot",
      params: { format: "jpeg", quality: 70, widthMax: 640 },
      ttlMs: 30_000,
      internal: true,
    });
    if (!made.ok) log.debug({ device, code: made.error.code }, `no live picture: ${made.error.message}`);
  }
}
