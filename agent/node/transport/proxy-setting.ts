import type { CloudProxy } from "../../core/network/cloud-proxy.ts";

/** The proxy for transport and uploads; can change at run time. */
export class ProxySetting implements CloudProxy {
  readonly configured: string | undefined;
  readonly #changed: (proxy: string | undefined) => void;
  #proxy: string | undefined;

  /** `changed` is called immediately and after each change. */
  constructor(configured: string | undefined, changed: (proxy: string | undefined) => void = () => undefined) {
    this.configured = configured;
    this.#proxy = configured;
    this.#changed = changed;
    changed(configured);
  }

  current(): string | undefined {
    return this.#proxy;
  }

  /** The proxy from desired state, if it differs from the configured one. */
  chosen(): string | undefined {
    return this.#proxy === this.configured ? undefined : this.#proxy;
  }

  set(proxy: string | undefined): void {
    if (proxy === this.#proxy) return;
    this.#proxy = proxy;
    this.#changed(proxy);
  }
}
