import { err, type Result } from "../../../platform/ports/result.ts";
import type { Connection, ConnectionEvents, Failed, Schemes, Transport, TransportIssue } from "./cloud-port.ts";

export interface NetworkGate {
  allowed(): boolean;
  /** Calls back when `allowed` may have changed. Returns a function that unsubscribes. */
  onChange(changed: () => void): () => void;
}

const CUT: Failed = { kind: "failed", code: "link.network", message: "the network is cut" };

/** A transport whose network can be cut, for simulated hardware. */
export class GatedTransport implements Transport {
  readonly #inner: Transport;
  readonly #gate: NetworkGate;

  constructor(inner: Transport, gate: NetworkGate) {
    this.#inner = inner;
    this.#gate = gate;
  }

  get schemes(): Schemes {
    return this.#inner.schemes;
  }

  async connect(url: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<Connection, TransportIssue>> {
    if (!this.#gate.allowed()) return err(CUT);
    const gate = this.#gate;
    const live: { over: boolean; connection?: Connection } = { over: false };
    // Either the cut or the inner transport ends the connection; only the first is reported.
    const closed: ConnectionEvents["closed"] = (why) => {
      if (live.over) return;
      live.over = true;
      unwatch();
      events.closed(why);
    };
    const unwatch = gate.onChange(() => {
      if (gate.allowed() || live.over || live.connection === undefined) return;
      closed(CUT);
      live.connection.close(CUT.code);
    });
    const frame: ConnectionEvents["frame"] = (text) => {
      if (!live.over && gate.allowed()) events.frame(text);
    };
    const binary = (): void => {
      if (!live.over && gate.allowed()) events.binary?.();
    };
    const result = await this.#inner.connect(url, { frame, binary, closed }, signal);
    if (!result.ok) {
      unwatch();
      return result;
    }
    const inner = result.value;
    if (!gate.allowed()) {
      live.over = true;
      unwatch();
      inner.close(CUT.code);
      return err(CUT);
    }
    live.connection = inner;
    return {
      ok: true,
      value: {
        frameBytesMax: inner.frameBytesMax,
        send: (text) => !live.over && inner.send(text),
        bufferedBytes: () => (live.over ? 0 : inner.bufferedBytes()),
        close: (reason) => inner.close(reason),
      },
    };
  }
}
