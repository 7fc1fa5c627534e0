import { ok, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** What the customer's page receives: its configuration from desired state, and the machine's time zone. */
export class PageConfig {
  readonly #listeners = new Set<() => void>();
  #config: JsonObject | undefined;
  #zone: string | undefined;

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
    this.#tell();
  }

  set(value: JsonObject): Promise<Result<void>> {
    this.#config = value;
    this.#tell();
    return Promise.resolve(ok(undefined));
  }

  /** Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
