import type { CloudMessage, CloudMessageOf, Limits, Owner } from "../../protocol/cloud-messages.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";

/** One open connection. Frames are text. */
export interface Connection {
  /** Largest frame that `send` takes, in bytes of UTF-8: at least 4096, the least that a cloud may set. */
  readonly frameBytesMax: number;
  /** False when the frame is too large, the transport's own buffer is over its limit, or the connection is closed: nothing was queued. */
  send(frame: string): boolean;
  /** Bytes handed over and not yet on the wire, for back-pressure. */
  bufferedBytes(): number;
  /** Closes at once, without waiting for the other side. */
  close(reason: string): void;
}

export interface ConnectionEvents {
  frame(text: string): void;
  /** A message came that is not text; the protocol has none. */
  binary?(): void;
  /** Called exactly once, whatever ended it. */
  closed(why: TransportIssue): void;
}

/**
 * Why a reachable server refuses the device:
 * - `not-authorised`: the device's credentials are not accepted.
 * - `unknown`: the server knows neither the device nor what it asks for.
 * - `too-busy`: try later, see `retryAfterMs`.
 * - `moved`: to `endpoint`, where the server says which.
 * - `version`: it does not speak the transport's version.
 * - `other`: see the message.
 */
export type RefusalReason = "not-authorised" | "unknown" | "too-busy" | "moved" | "version" | "other";

/** The server understood and said no: asking again at once changes nothing. */
export interface Refused extends Issue {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  readonly retryAfterMs?: number;
  readonly endpoint?: string;
}

/**
 * The network, or a server that gave no usable answer. Codes that every transport uses alike: `link.dns`, `link.refused`,
 * `link.timeout`, `link.tls`, `link.clock` (a certificate looks wrong because our clock is), `link.proxy`, `link.protocol`,
 * `link.address`, `link.network`, `link.closed`.
 */
export interface Failed extends Issue {
  readonly kind: "failed";
}

/** Why there is no connection, or no longer. */
export type TransportIssue = Refused | Failed;

/** Schemes of addresses, as a URL names them (with the colon), and whether what goes over them is encrypted. */
export type Schemes = ReadonlyMap<string, "secure" | "plain">;

/** How frames reach the cloud. */
export interface Transport {
  /** The addresses it takes. Any other fails with `link.address`. */
  readonly schemes: Schemes;
  connect(url: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<Connection, TransportIssue>>;
}

/** Why the link has no session. */
export interface LinkIssue extends Issue {
  /** Present when the transport's server refused. */
  readonly refusal?: RefusalReason;
}

/** State of the link. */
export type LinkStatus =
  | { readonly kind: "offline"; readonly sinceMs: number; readonly lastError?: LinkIssue; readonly retryAtMs?: number }
  | { readonly kind: "connecting"; readonly endpoint: string; readonly sinceMs: number; readonly lastError?: LinkIssue }
  | { readonly kind: "online"; readonly endpoint: string; readonly session: string; readonly sinceMs: number };

/** What other parts of the agent do with the link. */
export interface CloudLink {
  status(): LinkStatus;
  /** Calls back on every change of `status`. Returns a function that unsubscribes. */
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /** Sends when online. Returns false when not sent; nothing is kept (use the outbox for what must not be lost). */
  send(message: DeviceMessage): boolean;
  /** Asks the cloud for an upload address; fails with `link.offline`, `upload.timeout` or the cloud's own code. */
  requestUpload(request: Omit<Extract<DeviceMessage, { t: "upload-request" }>, "t" | "id">): Promise<Result<CloudMessageOf<"upload-grant">>>;
  /** Ends the session politely and connects anew, for example after the endpoints changed. */
  reconnect(reason: "moving" | "reconnecting"): void;
}

/** What the session asks of and tells the rest of the agent. Each handler is called in the order of arrival. */
export interface SessionHandlers {
  /** Facts for `hello`, read at the moment of connecting. */
  hello(): Promise<Pick<Extract<DeviceMessage, { t: "hello" }>, "desiredVersion" | "reportedVersion" | "profileHash" | "openCommands" | "agent" | "numberHigh">>;
  /** The session is open. */
  welcomed(welcome: CloudMessageOf<"welcome">): void;
  /**
   * Whether the cloud may be this device's cloud: checks the owner against what the device holds. An Issue ends
   * the session. Nothing else of the session happens before the answer. `endpoint` is the address that was dialed.
   */
  acceptOwner(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">, endpoint: string): Promise<Result<void>>;
  command(message: CloudMessageOf<"command">): void;
  cancel(message: CloudMessageOf<"cancel">): void;
  desired(message: CloudMessageOf<"desired">): void;
  reportedAck(version: number): void;
  /** `wants` may have words that this version does not know. */
  fetch(wants: readonly string[]): void;
  pairing(message: CloudMessageOf<"pairing">): void;
}

export type { CloudMessage, Limits };
