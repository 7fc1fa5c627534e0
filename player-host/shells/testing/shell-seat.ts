import { expect } from "vitest";
import type { LoadTarget, PixelSample, Shell, ShellEvent } from "../../stage/shell.ts";

export type EventOf<K extends ShellEvent["kind"]> = Extract<ShellEvent, { kind: K }>;

/** Longest wait for an expected event, ms. */
export const WAIT_MS = 8_000;

/** Drives a shell from a test and collects its events. */
export class ShellSeat {
  readonly events: ShellEvent[] = [];
  readonly #shell: Shell;
  #wake: (() => void) | undefined;
  #loads = 0;

  constructor(shell: Shell) {
    this.#shell = shell;
    shell.onEvent((event) => {
      this.events.push(event);
      this.#wake?.();
    });
  }

  /** The first matching event at or after index `from`. Fails with its kind when none arrives. */
  async seen<K extends ShellEvent["kind"]>(kind: K, from: number, fits: (event: EventOf<K>) => boolean = () => true): Promise<EventOf<K>> {
    const find = (): EventOf<K> | undefined =>
      this.events.slice(from).find((event): event is EventOf<K> => event.kind === kind && fits(event as EventOf<K>));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no ${kind} event came; there were: ${JSON.stringify(this.events.slice(from)).slice(0, 2000)}`)), WAIT_MS);
    });
    try {
      for (let found = find(); ; found = find()) {
        if (found !== undefined) return found;
        await Promise.race([late, new Promise<void>((resolve) => (this.#wake = resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts a load and returns its number. */
  async begin(target: LoadTarget): Promise<number> {
    const load = (this.#loads += 1);
    await this.#shell.load(load, target);
    return load;
  }

  /** Loads and waits for the end. Returns the index in `events` at which the load started. */
  async show(target: LoadTarget): Promise<number> {
    const from = this.events.length;
    const load = await this.begin(target);
    await this.seen("load-finished", from, (event) => event.load === load);
    return from;
  }

  /** Starts a load that is expected to fail, and returns its `load-failed` event. */
  async fails(target: LoadTarget): Promise<EventOf<"load-failed">> {
    const from = this.events.length;
    const load = await this.begin(target);
    return this.seen("load-failed", from, (event) => event.load === load);
  }

  /** The data of the page's first `emit` under this name at or after index `from`: how a page reports to a test. */
  async told(from: number, name: string): Promise<Record<string, unknown>> {
    const event = await this.seen("page-call", from, ({ text }) => {
      const call = JSON.parse(text) as { do?: string; name?: string };
      return call.do === "emit" && call.name === name;
    });
    return (JSON.parse(event.text) as { data?: Record<string, unknown> }).data ?? {};
  }
}

/** Repeats the question until the answer is as expected, because the time of a paint is unknown. */
export async function eventually<T>(ask: () => Promise<T>, expected: T, waitMs = WAIT_MS): Promise<void> {
  const untilMs = performance.now() + waitMs;
  let answer = await ask();
  while (answer !== expected && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await ask();
  }
  expect(answer).toBe(expected);
}

/** `r,g,b` of a sample that has only one colour. */
export function colourOf(sample: PixelSample): string | undefined {
  const [red, green, blue] = sample.rgba;
  for (let i = 0; i < sample.rgba.length; i += 4) {
    for (const [at, value] of [red, green, blue].entries()) if (Math.abs((sample.rgba[i + at] ?? 0) - (value ?? 0)) > 4) return undefined;
  }
  return `${red},${green},${blue}`;
}
