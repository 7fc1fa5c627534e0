import {
  PROTOCOL_VERSION,
  HANDSHAKE_TIMEOUT_MS,
  READ_DEADLINE_PINGS,
  FRAME_BYTES_MAX,
} from "../../../agent/protocol/limits.ts";
import type { CloudMessage } from "../../../agent/protocol/cloud-messages.ts";
import { decodeDeviceMessage, encodeMessage } from "../../../agent/protocol/codec.ts";
import type { DeviceMessage, Hello } from "../../../agent/protocol/device-messages.ts";
import { signedBytes, type SignedPurpose } from "../../../agent/protocol/signed.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import { messageOf, type Issue } from "../../tool-result.ts";
import { toBase64Url, toHex, utf8 } from "../../../platform/runtime/encoding.ts";
import { isJsonObject, parseJson, type Json } from "../../../platform/runtime/json.ts";
import type { Connection } from "./connection.ts";
import type { CloudContext } from "./context.ts";
import { ErrorBudget } from "./error-budget.ts";
import { FrameSender } from "./frame-sender.ts";
import { verifyHello } from "./handshake.ts";
import type { LiveSession, SessionCounters } from "./live-sessions.ts";
import type { Misbehaviour } from "./misbehaviour.ts";

/** Assumed when the welcome names no ping interval. Longer than today's devices take; older ones pinged every 30 s. */
const PATIENT_PING_MS = 30_000;

/** Unusable frames per minute beyond which the session is closed. */
export const ERRORS_PER_MINUTE_MAX = 60;

type State =
  | { readonly kind: "challenged"; readonly nonce: string }
  /** The hello is being checked or stored; the device must stay silent until the welcome. */
  | { readonly kind: "verifying"; readonly hello: Hello }
  | { readonly kind: "open"; readonly hello: Hello }
  | { readonly kind: "closed" };

/** Receives what a session cannot handle itself. Implemented by `Cloud`. */
export interface SessionHost {
  /** The hello is verified. The host must call `session.opened()` or `session.refuse()`. */
  admit(session: Session, hello: Hello): void;
  /** A message of an open session, in order. */
  message(session: Session, message: DeviceMessage, bytes: number): void;
  /** Handles a `records` frame that failed validation. Returns false when nothing in it is usable. */
  salvage(session: Session, frame: Json): boolean;
  /** The session has ended. Called once, and only for opened sessions. */
  ended(session: Session, reason: string): void;
}

/** One connection of one device, from challenge to end. Frames arrive through `onFrame` and leave through the connection. */
export class Session implements LiveSession {
  readonly id: string;
  readonly connection: Connection;
  readonly #context: CloudContext;
  readonly #host: SessionHost;
  readonly #sender: FrameSender;
  readonly #errors = new ErrorBudget(ERRORS_PER_MINUTE_MAX, 60_000);
  #state: State = { kind: "closed" };
  #openedMs = 0;
  /** As announced in the welcome or a later `limits`. */
  pingIntervalMs = PATIENT_PING_MS;
  #lastHeardMs = 0;
  #deadline: Timer | undefined;
  #keyOf: () => string | undefined = () => undefined;
  #signing: Promise<void> = Promise.resolve();
  #endReason: string | undefined;
  #farewell: string | undefined;
  readonly counts = { frames: 0, bytesIn: 0, records: 0, duplicates: 0, rejected: 0, malformed: 0, errorsFromDevice: 0 };

  constructor(context: CloudContext, host: SessionHost, connection: Connection) {
    this.#context = context;
    this.#host = host;
    this.connection = connection;
    this.id = `s-${toHex(context.random.bytes(8))}`;
    this.#sender = new FrameSender(connection, context, () => this.misbehaviour());
  }

  get device(): string {
    return this.#state.kind === "open" || this.#state.kind === "verifying" ? this.#state.hello.deviceId : "";
  }

  /** When the welcome went out, wall ms. */
  get openedMs(): number {
    return this.#openedMs;
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  misbehaviour(): Misbehaviour {
    const device = this.#deviceOrLast;
    return device === undefined ? this.#context.misbehaviours.forNew() : this.#context.misbehaviours.of(device);
  }

  start(): void {
    const { random } = this.#context;
    const nonce = toBase64Url(random.bytes(32));
    this.#state = { kind: "challenged", nonce };
    this.#lastHeardMs = this.#context.clock.monotonicMs();
    this.#deadline = this.#context.timers.after("cloud.session.handshake", HANDSHAKE_TIMEOUT_MS, () =>
      this.#finish("handshake-timeout", 1008),
    );
    this.send({ t: "challenge", versions: this.misbehaviour().welcomeVersions ?? [PROTOCOL_VERSION], nonce });
  }

  silentMs(): number {
    return this.#context.clock.monotonicMs() - this.#lastHeardMs;
  }

  /** Handles one text frame. `bytes` is its exact UTF-8 size where the transport knows it. */
  onFrame(text: string, bytes: number = utf8(text).length): void {
    if (this.#state.kind === "closed") return;
    this.#heard(bytes);
    const drop = this.misbehaviour().dropAfterFrames;
    if (drop !== undefined && this.counts.frames > drop) {
      this.cut("misbehaviour");
      return;
    }
    if (bytes > FRAME_BYTES_MAX) {
      this.unusable({ code: "frame.too-large", message: `the frame has ${bytes} bytes; at most ${FRAME_BYTES_MAX} are allowed` });
      return;
    }
    const decoded = decodeDeviceMessage(text);
    if (!decoded.ok) this.#undecodable(text, decoded.error);
    else if (this.#state.kind === "challenged") this.#firstMessage(decoded.value, this.#state.nonce);
    else if (this.#state.kind === "verifying")
      this.unusable({ code: "message.too-early", message: "nothing may be sent between hello and welcome" }, decoded.value.t);
    else if (decoded.value.t === "hello")
      this.unusable({ code: "message.unexpected", message: "hello was already sent" }, "hello");
    else this.#host.message(this, decoded.value, bytes);
  }

  /** Handles a binary frame, which protocol version 1 does not allow. */
  onBinary(bytes: number): void {
    if (this.#state.kind === "closed") return;
    this.#heard(bytes);
    this.unusable({ code: "frame.not-text", message: "frames must be JSON text, not binary" });
  }

  /** The connection is gone. `reason` is one or more lower-case words joined by dashes. */
  onClosed(reason: string): void {
    this.#finish(reason);
  }

  /** Reports and counts an unusable frame; too many of them end the session. */
  unusable(issue: Issue, about?: string): void {
    this.counts.malformed += 1;
    this.#context.counters.malformedFrames += 1;
    if (!this.#errors.spend(this.#context.clock.monotonicMs())) {
      this.#context.log.warn({ device: this.device, session: this.id }, "too many unusable frames; closing");
      this.end("too-many-errors", { t: "goaway", reason: "too many unusable frames", retryAfterMs: 60_000 });
      return;
    }
    const { code, message, hint } = issue;
    this.send({
      t: "error",
      code,
      message: message.slice(0, 1000),
      ...(hint === undefined ? {} : { hint }),
      ...(about === undefined ? {} : { about: about.slice(0, 128) }),
    });
  }

  /** Refuses the hello and closes the connection. */
  refuse(code: string, message: string, retryAfterMs?: number): void {
    this.#context.log.info({ code, device: this.device, remote: this.connection.remote }, `hello refused: ${message}`);
    this.send({ t: "refused", code, message: message.slice(0, 1000), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    this.#finish(code, 1008);
  }

  /** Opens the session once the hello is stored. `keyOf` gives the fingerprint of the owner's key this device holds. */
  opened(welcome: CloudMessage, keyOf: () => string | undefined): void {
    if (this.#state.kind !== "verifying") return;
    this.#state = { kind: "open", hello: this.#state.hello };
    this.#keyOf = keyOf;
    this.#openedMs = this.#context.clock.wallMs();
    this.#deadline?.cancel();
    this.#watchSilence();
    this.send(welcome);
  }

  send(message: CloudMessage): void {
    this.sendText(encodeMessage(message));
  }

  sendText(text: string): void {
    if (this.#state.kind !== "closed") this.#sender.send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    if (this.#state.kind !== "closed") this.#sender.sendBinary(bytes);
  }

  sendSigned(purpose: Extract<SignedPurpose, "command" | "cancel" | "desired">, payload: string): void {
    this.#signing = this.#signing.then(async () => {
      const { signer, log } = this.#context;
      try {
        const key = signer.find(this.#keyOf() ?? "") ?? signer.current();
        const signature = toBase64Url(await key.sign(signedBytes(purpose, payload)));
        this.send({ t: purpose, signed: { payload, key: key.fingerprint, signature } });
      } catch (thrown) {
        // A command stays open and goes out with the next session.
        log.error({ error: messageOf(thrown), purpose }, "signing failed");
      }
    });
  }

  end(reason: string, farewell?: CloudMessage): void {
    if (farewell !== undefined) this.send(farewell);
    this.#finish(reason, 1000);
  }

  cut(reason: string): void {
    if (this.#state.kind === "closed") return;
    this.connection.cut();
    this.#finish(reason);
  }

  /** The device said goodbye: `bye.<reason>` becomes the session's end reason. */
  saidBye(reason: string): void {
    this.#farewell = `bye.${reason}`;
  }

  counters(): SessionCounters {
    return { ...this.counts, bytesOut: this.#sender.bytesOut, sessions: 1 };
  }

  get endReason(): string | undefined {
    return this.#endReason;
  }

  get #deviceOrLast(): string | undefined {
    return this.device === "" ? undefined : this.device;
  }

  #heard(bytes: number): void {
    this.#lastHeardMs = this.#context.clock.monotonicMs();
    this.counts.frames += 1;
    this.counts.bytesIn += bytes;
  }

  #undecodable(text: string, issue: Issue): void {
    const json = parseJson(text);
    const type = isJsonObject(json) && typeof json["t"] === "string" ? json["t"].slice(0, 64) : undefined;
    if (this.#state.kind === "challenged" && isJsonObject(json) && type === "hello" && json["version"] !== PROTOCOL_VERSION) {
      this.refuse("refused.version", `this server speaks protocol version ${PROTOCOL_VERSION}`);
      return;
    }
    const mayBeRecords = issue.code === "message.malformed" || issue.code === "frame.too-deep";
    if (this.#state.kind === "open" && type === "records" && mayBeRecords && json !== undefined && this.#host.salvage(this, json))
      return;
    this.unusable(issue, type);
  }

  #firstMessage(message: DeviceMessage, nonce: string): void {
    if (message.t !== "hello") {
      this.unusable({ code: "message.too-early", message: "the first message must be a hello" }, message.t);
      return;
    }
    this.#state = { kind: "verifying", hello: message };
    verifyHello(message, nonce, this.#context.settings.audiences, this.#context.crypto).then(
      (verified) => {
        if (this.#state.kind !== "verifying") return;
        if (verified.ok) this.#host.admit(this, message);
        else this.refuse(verified.error.code, verified.error.message);
      },
      (thrown: unknown) => {
        this.#context.log.error({ error: messageOf(thrown) }, "checking a hello failed");
        this.refuse("refused.busy", "the hello could not be checked", 5_000);
      },
    );
  }

  /** Devices ping. Cuts the link after `READ_DEADLINE_PINGS` ping intervals of silence. */
  #watchSilence(): void {
    const limitMs = this.pingIntervalMs * READ_DEADLINE_PINGS;
    const silentMs = this.silentMs();
    if (silentMs >= limitMs) {
      this.cut("timeout");
      return;
    }
    this.#deadline = this.#context.timers.after("cloud.session.silence", Math.ceil(limitMs - silentMs), () =>
      this.#watchSilence(),
    );
  }

  #finish(reason: string, code?: number): void {
    const before = this.#state;
    if (before.kind === "closed") return;
    this.#deadline?.cancel();
    const wasOpen = before.kind === "open";
    this.#endReason = this.#farewell ?? reason;
    if (wasOpen) this.#host.ended(this, this.#endReason);
    this.#state = { kind: "closed" };
    this.#sender.stop();
    if (code !== undefined) this.connection.close(code, reason.slice(0, 100));
  }
}
