/** Recent dedupe keys; the oldest are forgotten first. */
export class RecentKeys {
  readonly #keysMax: number;
  readonly #numbers = new Map<string, number>();

  constructor(keysMax: number, known: readonly { readonly key: string; readonly seq: number }[]) {
    this.#keysMax = keysMax;
    for (const { key, seq } of known) this.add(key, seq);
  }

  find(key: string): number | undefined {
    return this.#numbers.get(key);
  }

  add(key: string, seq: number): void {
    this.#numbers.set(key, seq);
    if (this.#numbers.size <= this.#keysMax) return;
    const oldest = this.#numbers.keys().next();
    if (oldest.done !== true) this.#numbers.delete(oldest.value);
  }
}
