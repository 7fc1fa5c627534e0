import type { CloudProxy } from "../../core/network/cloud-proxy.ts";

/** The proxy that transport and uploads go through, changeable while they run. */
export class ProxySetting implements CloudProxy {
  readonly configured: string | undefined;
  #proxy: string | undefined;

  constructor(configured: string | undefined) {
    this.configured = configured;
    this.#proxy = configured;
  }

  current(): string | undefined {
    return this.#proxy;
  }

  /** Set by desired state, where that is another than the configured one. */
  chosen(): string | undefined {
    return this.#proxy === this.configured ? undefined : this.#proxy;
  }

  set(proxy: string | undefined): void {
    this.#proxy = proxy;
  }
}
