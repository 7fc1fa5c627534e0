import type { CloudMessage, CloudMessageOf, Limits, Owner } from "../../protocol/cloud-messages.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";

/** One open connection. Frames are text. */
export interface Connection {
  /** Largest frame that `send` takes, in bytes of UTF-8: at least 4096, the least that a cloud may set. */
  readonly frameBytesMax: number;
  /** Returns false, with nothing queued: the frame is too large, the buffer is over its limit, or the connection is closed. */
  send(frame: string): boolean;
  /** Bytes accepted but not yet on the wire, for back-pressure. */
  bufferedBytes(): number;
  /** Closes immediately, without waiting for the other side. */
  close(reason: string): void;
}

export interface ConnectionEvents {
  frame(text: string): void;
  /** A binary message arrived; the protocol has none. */
  binary?(): void;
  /** Called exactly once, whatever ended the connection. */
  closed(why: TransportIssue): void;
}

/**
 * Why a reachable server refuses the device:
 * - `not-authorised`: the server does not accept the device's credentials.
 * - `unknown`: the server does not know the device or the resource it asked for.
 * - `too-busy`: try again later, see `retryAfterMs`.
 * - `moved`: to `endpoint`, if the server names one.
 * - `version`: the server does not speak the transport's version.
 * - `other`: see the message.
 */
export type RefusalReason = "not-authorised" | "unknown" | "too-busy" | "moved" | "version" | "other";

/** The server understood and refused; an immediate retry will not help. */
export interface Refused extends Issue {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  readonly retryAfterMs?: number;
  readonly endpoint?: string;
}

/**
 * The network failed, or the server gave no usable answer. Codes shared by all transports: `link.dns`, `link.refused`,
 * `link.timeout`, `link.tls`, `link.clock` (a certificate looks invalid because the device's clock is wrong), `link.proxy`,
 * `link.protocol`, `link.address`, `link.network`, `link.closed`.
 */
export interface Failed extends Issue {
  readonly kind: "failed";
}

/** Why a connection could not be opened, or why it ended. */
export type TransportIssue = Refused | Failed;

/** URL schemes, with the colon (`wss:`), and whether each is encrypted. */
export type Schemes = ReadonlyMap<string, "secure" | "plain">;

/** How frames reach the cloud. */
export interface Transport {
  /** Schemes it supports. Any other address fails with `link.address`. */
  readonly schemes: Schemes;
  connect(url: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<Connection, TransportIssue>>;
}

export interface LinkIssue extends Issue {
  /** Present when the server refused the connection. */
  readonly refusal?: RefusalReason;
}

export type LinkStatus =
  | { readonly kind: "offline"; readonly sinceMs: number; readonly lastError?: LinkIssue; readonly retryAtMs?: number }
  | { readonly kind: "connecting"; readonly endpoint: string; readonly sinceMs: number; readonly lastError?: LinkIssue }
  | { readonly kind: "online"; readonly endpoint: string; readonly session: string; readonly sinceMs: number };

/** The link as the rest of the agent uses it. */
export interface CloudLink {
  status(): LinkStatus;
  /** Calls back on every change of `status`. Returns a function that unsubscribes. */
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /** Sends when online. Returns false when not sent. Nothing is kept; use the outbox for anything that must not be lost. */
  send(message: DeviceMessage): boolean;
  /** Asks the cloud for an upload address. Errors: `link.offline`, `upload.timeout`, `upload.too-many`, or the cloud's own code. */
  requestUpload(request: Omit<Extract<DeviceMessage, { t: "upload-request" }>, "t" | "id">): Promise<Result<CloudMessageOf<"upload-grant">>>;
  /** Ends the session with a `bye` and reconnects. */
  reconnect(reason: "moving" | "reconnecting"): void;
}

/** Calls from the session into the rest of the agent, in order of arrival. */
export interface SessionHandlers {
  /** Facts for `hello`, read when connecting. */
  hello(): Promise<Pick<Extract<DeviceMessage, { t: "hello" }>, "desiredVersion" | "reportedVersion" | "profileHash" | "openCommands" | "agent" | "numberHigh">>;
  welcomed(welcome: CloudMessageOf<"welcome">): void;
  /**
   * Decides whether to accept this cloud: checks the owner it names against the stored one. An Issue ends the session.
   * The session handles no further frames until this settles. `endpoint` is the address that was dialed.
   */
  acceptOwner(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">, endpoint: string): Promise<Result<void>>;
  command(message: CloudMessageOf<"command">): void;
  cancel(message: CloudMessageOf<"cancel">): void;
  desired(message: CloudMessageOf<"desired">): void;
  reportedAck(version: number): void;
  /** `wants` may contain words that this version does not know. */
  fetch(wants: readonly string[]): void;
  pairing(message: CloudMessageOf<"pairing">): void;
}

export type { CloudMessage, Limits };
