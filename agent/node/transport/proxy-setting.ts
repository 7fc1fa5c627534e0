import type { CloudProxy } from "../../core/network/cloud-proxy.ts";

/** The proxy that transport and uploads go through, changeable while they run. */
export class ProxySetting implements CloudProxy {
  readonly configured: string | undefined;
  readonly #changed: (proxy: string | undefined) => void;
  #proxy: string | undefined;

  /** `changed` is called now and after each change. */
  constructor(configured: string | undefined, changed: (proxy: string | undefined) => void = () => undefined) {
    this.configured = configured;
    this.#proxy = configured;
    this.#changed = changed;
    changed(configured);
  }

  current(): string | undefined {
    return this.#proxy;
  }

  /** Set by desired state, where that is another than the configured one. */
  chosen(): string | undefined {
    return this.#proxy === this.configured ? undefined : this.#proxy;
  }

  set(proxy: string | undefined): void {
    if (proxy === this.#proxy) return;
    this.#proxy = proxy;
    this.#changed(proxy);
  }
}
