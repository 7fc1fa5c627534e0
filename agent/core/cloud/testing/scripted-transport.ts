import { decodeDeviceMessage } from "../../../protocol/codec.ts";
import type { CloudMessage, Welcome } from "../../../protocol/cloud-messages.ts";
import type { DeviceMessage } from "../../../protocol/device-messages.ts";
import { FRAME_BYTES_MAX } from "../../../protocol/limits.ts";
import { ENDPOINT_SCHEMES } from "../../../protocol/values.ts";
import { err, ok, type Issue, type Result } from "../../../../platform/ports/result.ts";
import { utf8 } from "../../../../platform/runtime/encoding.ts";
import { parseUrl } from "../../../../platform/runtime/parse-url.ts";
import type { Connection, ConnectionEvents, Transport, TransportIssue } from "../cloud-port.ts";

/** What a scripted server does with one connection. */
export interface Behaviour {
  /** Fails to open with this issue, or, for `"hang"`, does not settle until given up. */
  readonly connect?: Issue | TransportIssue | "hang";
  /** Called when the connection opens. Default: sends a challenge. */
  readonly opened?: (peer: Peer) => void;
  /** Called with each message from the device. Default: answers `hello` with a welcome and `ping` with a pong. */
  readonly message?: (peer: Peer, message: DeviceMessage) => void;
  /** Gets each raw frame, instead of `message`. */
  readonly frame?: (peer: Peer, text: string) => void;
}

/** The server's end of one connection. */
export class Peer {
  readonly url: string;
  readonly number: number;
  readonly received: DeviceMessage[] = [];
  readonly #events: ConnectionEvents;
  open = true;
  /** The device's buffer is full: its sends are refused. */
  full = false;
  closedWith: string | undefined;

  constructor(url: string, number: number, events: ConnectionEvents) {
    this.url = url;
    this.number = number;
    this.#events = events;
  }

  send(message: CloudMessage): void {
    this.raw(JSON.stringify(message));
  }

  raw(text: string): void {
    if (this.open) this.#events.frame(text);
  }

  binary(): void {
    if (this.open) this.#events.binary?.();
  }

  drop(why: Issue | TransportIssue = { code: "link.network", message: "the scripted server dropped the connection" }): void {
    if (!this.open) return;
    this.open = false;
    this.#events.closed(failedUnlessRefused(why));
  }

  last<T extends DeviceMessage["t"]>(type: T): Extract<DeviceMessage, { t: T }> | undefined {
    return this.received.findLast((message): message is Extract<DeviceMessage, { t: T }> => message.t === type);
  }
}

const GIVEN_UP: TransportIssue = { kind: "failed", code: "link.timeout", message: "given up" };

function failedUnlessRefused(issue: Issue | TransportIssue): TransportIssue {
  return "kind" in issue ? issue : { kind: "failed", ...issue };
}

export const NONCE = "A".repeat(43);

export function challenge(peer: Peer): void {
  peer.send({ t: "challenge", versions: [1], nonce: NONCE });
}

export function welcomeOf(session: string, over: Partial<Welcome> = {}): Welcome {
  return {
    t: "welcome", session, serverMs: Date.UTC(2026, 5, 1), owner: { kind: "unclaimed" }, stored: {}, desiredVersion: 0, reportedVersion: 0, wants: [], limits: {}, ...over,
  };
}

/** A well-behaved server, message by message. */
export function answerWell(peer: Peer, message: DeviceMessage, over: Partial<Welcome> = {}): void {
  if (message.t === "hello") peer.send(welcomeOf(`s-${peer.number}`, over));
  else if (message.t === "ping") peer.send({ t: "pong" });
}

/** A cloud without sockets, with a scripted behaviour per address and attempt. Records every attempt. */
export class ScriptedTransport implements Transport {
  readonly schemes = ENDPOINT_SCHEMES;
  readonly peers: Peer[] = [];
  readonly attempts: { readonly url: string; readonly atMs: number }[] = [];
  /** Most connections or attempts alive at the same time. */
  aliveMax = 0;
  frameBytesMax = FRAME_BYTES_MAX;
  behave: (url: string, attempt: number) => Behaviour = () => ({});
  readonly #nowMs: () => number;
  #alive = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("no connection was opened yet");
    return peer;
  }

  async connect(url: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<Connection, TransportIssue>> {
    if (!this.schemes.has(parseUrl(url)?.protocol ?? "")) return err({ kind: "failed", code: "link.address", message: `${url} is no address of a scripted cloud` });
    if (signal.aborted) return err(GIVEN_UP);
    this.attempts.push({ url, atMs: this.#nowMs() });
    const behaviour = this.behave(url, this.attempts.length);
    this.#alive += 1;
    this.aliveMax = Math.max(this.aliveMax, this.#alive);
    if (behaviour.connect !== undefined) {
      if (behaviour.connect === "hang") await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      this.#alive -= 1;
      return err(behaviour.connect === "hang" ? GIVEN_UP : failedUnlessRefused(behaviour.connect));
    }
    return ok(this.#open(url, events, behaviour));
  }

  #open(url: string, events: ConnectionEvents, behaviour: Behaviour): Connection {
    let over = false;
    const ended = (): void => {
      if (!over) this.#alive -= 1;
      over = true;
    };
    const peer = new Peer(url, this.peers.length + 1, {
      frame: (text) => events.frame(text),
      binary: () => events.binary?.(),
      closed: (why) => {
        ended();
        events.closed(why);
      },
    });
    this.peers.push(peer);
    queueMicrotask(() => (behaviour.opened ?? challenge)(peer));
    const { frameBytesMax } = this;
    return {
      frameBytesMax,
      send: (frame) => {
        if (!peer.open || peer.full || utf8(frame).length > frameBytesMax) return false;
        if (behaviour.frame !== undefined) {
          behaviour.frame(peer, frame);
          return true;
        }
        const decoded = decodeDeviceMessage(frame);
        if (!decoded.ok) throw new Error(`the device sent what the protocol forbids: ${decoded.error.message}`);
        peer.received.push(decoded.value);
        // In a microtask: as with a socket, never within the call to `send`.
        queueMicrotask(() => peer.open && (behaviour.message ?? answerWell)(peer, decoded.value));
        return true;
      },
      bufferedBytes: () => 0,
      close: (reason) => {
        ended();
        peer.closedWith = reason;
        peer.drop({ code: "link.closed", message: reason });
      },
    };
  }
}
