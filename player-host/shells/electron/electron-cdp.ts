import type { Debugger } from "electron";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, stackOf } from "../../../platform/ports/result.ts";
import { withDeadline, TimeoutError } from "../../../platform/runtime/sleep.ts";
import {
  CALL_TIMEOUT_MS,
  CdpError,
  type Cdp,
  type CdpCallOptions,
  type CdpCommands,
  type CdpEventParams,
  type CdpEvents,
  type CdpParams,
  type CdpResult,
} from "../cdp/cdp-client.ts";

/** The part of Electron's `Debugger` that is used. */
export type PageDebugger = Pick<Debugger, "attach" | "detach" | "isAttached" | "sendCommand"> & {
  on(event: "message", listener: (event: unknown, method: string, params: unknown, sessionId: string) => void): unknown;
  on(event: "detach", listener: (event: unknown, reason: string) => void): unknown;
};

/**
 * The DevTools protocol of one page inside this process, with no port or pipe. The shared page code runs on it as on
 * Chromium's pipe.
 */
export class ElectronCdp implements Cdp {
  readonly #debugger: PageDebugger;
  readonly #timers: Timers;
  readonly #listeners = new Map<string, Set<(params: unknown) => void>>();

  constructor(pageDebugger: PageDebugger, deps: { readonly timers: Timers; readonly log: Log }) {
    this.#debugger = pageDebugger;
    this.#timers = deps.timers;
    pageDebugger.on("message", (_event, method, params) => {
      for (const listener of [...(this.#listeners.get(method) ?? [])]) {
        try {
          listener(params);
        } catch (thrown) {
          // A bug in one listener must not end the player host or keep the event from other listeners.
          deps.log.error({ method, error: stackOf(thrown) }, "listener threw");
        }
      }
    });
    pageDebugger.on("detach", (_event, reason) => deps.log.warn({ reason }, "the page's debugger was detached"));
    pageDebugger.attach("1.3");
  }

  async call<M extends keyof CdpCommands>(method: M, params: CdpParams<M>, options: CdpCallOptions = {}): Promise<CdpResult<M>> {
    const { timeoutMs = CALL_TIMEOUT_MS } = options;
    if (!this.#debugger.isAttached()) throw new CdpError("closed", `${method}: the page is gone`);
    try {
      const answer: unknown = await withDeadline(this.#timers, `cdp.${method}`, timeoutMs, this.#debugger.sendCommand(method, params ?? {}));
      return answer as CdpResult<M>;
    } catch (thrown) {
      if (thrown instanceof TimeoutError) throw new CdpError("timeout", thrown.message);
      throw new CdpError("refused", `${method}: ${messageOf(thrown)}`);
    }
  }

  on<E extends keyof CdpEvents>(event: E, _sessionId: string | undefined, listener: (params: CdpEventParams<E>) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set<(params: unknown) => void>();
    this.#listeners.set(event, set);
    const entry = (params: unknown): void => listener(params as CdpEventParams<E>);
    set.add(entry);
    return () => {
      set.delete(entry);
    };
  }

  /** Does nothing: Electron delivers every event whole, and the page's console is not enabled. */
  onOversized(): void {
    return undefined;
  }

  detach(): void {
    if (this.#debugger.isAttached()) this.#debugger.detach();
  }
}
