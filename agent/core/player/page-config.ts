import type { Log } from "../../../platform/ports/log.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** What the customer's page receives: its configuration from desired state, and the machine's time zone. */
export class PageConfig {
  readonly #changed: Emitter<void>;
  #config: JsonObject | undefined;
  #zone: string | undefined;

  constructor(log: Log) {
    this.#changed = Emitter.logged(log, "the page's configuration");
  }

  current(): JsonObject | undefined {
    return this.#config;
  }

  timeZone(): string | undefined {
    return this.#zone;
  }

  /** Sets the machine's time zone as last observed. */
  zoneIs(seen: string | undefined): void {
    if (seen === this.#zone) return;
    this.#zone = seen;
    this.#changed.emit();
  }

  set(value: JsonObject): Promise<Result<void>> {
    this.#config = value;
    this.#changed.emit();
    return Promise.resolve(ok(undefined));
  }

  /** Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    return this.#changed.on(listener);
  }
}
