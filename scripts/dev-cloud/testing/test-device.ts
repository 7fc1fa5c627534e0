import { WebSocket } from "ws";
import type { CloudMessage, CloudMessageOf } from "../../../agent/protocol/cloud-messages.ts";
import { decodeCloudMessage } from "../../../agent/protocol/codec.ts";
import type { CommandPayload } from "../../../agent/protocol/commands/payload.ts";
import type { DeviceMessage, Hello } from "../../../agent/protocol/device-messages.ts";
import { STREAMS, type CommandOutcome, type Stream, type WireRecord } from "../../../agent/protocol/records.ts";
import { helloBytes, signedBytes, type Signed, type SignedPurpose } from "../../../agent/protocol/signed.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import { keyFromSeed, nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { fromBase64Url, toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import { fingerprintOf } from "../sessions/handshake.ts";

const WAIT_MS = 10_000;

/** Scripted device with a real key and socket but no agent. Queues the messages it receives. */
export class TestDevice {
  readonly id: string;
  readonly key: DeviceKey;
  readonly log: string;
  readonly received: CloudMessage[] = [];
  epoch = 0;
  bootId = "boot-1";
  /** Fingerprint of the owner's key the device holds. */
  owner: string | undefined;
  stored: Partial<Record<Stream, number>> = {};
  readonly next: Record<Stream, number> = { outcome: 1, alarm: 1, play: 1, event: 1, metric: 1 };
  #socket: WebSocket | undefined;
  #waiters: { readonly wanted: (message: CloudMessage) => boolean; readonly resolve: (message: CloudMessage) => void }[] = [];
  #closed: Promise<number> = Promise.resolve(0);

  private constructor(id: string, key: DeviceKey, log: string) {
    this.id = id;
    this.key = key;
    this.log = log;
  }

  static async create(seed: Uint8Array = systemRandom.bytes(32)): Promise<TestDevice> {
    const key = keyFromSeed(seed);
    const id = await fingerprintOf(key.publicKey, nodeCrypto);
    return new TestDevice(id, key, `log-${id.slice(0, 8)}`);
  }

  /** Connects and says hello; resolves with `welcome` or `refused`. `change` alters the hello after it was signed. */
  async connect(base: string, change: Partial<Hello> = {}): Promise<CloudMessageOf<"welcome"> | CloudMessageOf<"refused">> {
    const challenge = await this.open(base);
    this.epoch += 1;
    this.send({ ...(await this.hello(challenge.nonce, audienceOf(base))), ...change });
    const answer = await this.expect((message) => message.t === "welcome" || message.t === "refused");
    if (answer.t === "welcome") this.#take(answer);
    if (answer.t !== "welcome" && answer.t !== "refused") throw new Error("neither welcome nor refused");
    return answer;
  }

  /** Like `connect`, but throws when refused. */
  async join(base: string, change: Partial<Hello> = {}): Promise<CloudMessageOf<"welcome">> {
    const answer = await this.connect(base, change);
    if (answer.t === "refused") throw new Error(`refused: ${answer.code}: ${answer.message}`);
    return answer;
  }

  /** Only opens the socket and waits for the challenge. */
  async open(base: string): Promise<CloudMessageOf<"challenge">> {
    const socket = new WebSocket(`${base.replace(/^http/, "ws")}/device/v1`);
    this.#socket = socket;
    this.received.length = 0;
    this.#closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("message", (data: Buffer) => this.#onFrame(data.toString("utf8")));
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {
      // Resets are expected in these tests; "close" follows.
    });
    return this.expectType("challenge");
  }

  async hello(nonce: string, audience: string): Promise<Hello> {
    const { id: deviceId, bootId, epoch } = this;
    const signature = await this.key.sign(helloBytes({ nonce, deviceId, audience, bootId, epoch }));
    return {
      t: "hello",
      version: 1,
      deviceId,
      publicKey: toBase64Url(this.key.publicKey),
      signature: toBase64Url(signature),
      audience,
      bootId,
      epoch,
      agent: { version: "0.0.0-test", platform: "test" },
      clock: { wallMs: Date.now(), quality: "synced" },
      log: this.log,
      streams: Object.fromEntries(
        STREAMS.map((stream) => [stream, { stored: this.stored[stream] ?? 0, oldest: 1, newest: 0 }]),
      ) as Hello["streams"],
      desiredVersion: 0,
      reportedVersion: 0,
      profileHash: "0".repeat(64),
      openCommands: [],
      ...(this.owner === undefined ? {} : { owner: this.owner }),
    };
  }

  send(message: DeviceMessage): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.#socket?.send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket?.send(bytes);
  }

  /** Sends records with the next sequence numbers of the stream; returns the last one. */
  sendRecords(stream: Stream, bodies: readonly { readonly kind: string; readonly body: JsonObject }[]): number {
    const first = this.next[stream];
    this.next[stream] += bodies.length;
    this.resend(
      stream,
      bodies.map(({ kind, body }, at) => ({ seq: first + at, kind, wall: Date.now(), mono: at, body })),
    );
    return this.next[stream] - 1;
  }

  /** Sends the records as they are. */
  resend(stream: Stream, records: WireRecord[]): void {
    this.send({ t: "records", stream, log: this.log, boot: this.bootId, clock: "synced", records });
  }

  sendEvents(...names: readonly string[]): number {
    return this.sendRecords(
      "event",
      names.map((name) => ({ kind: "page", body: { name } })),
    );
  }

  sendOutcome(outcome: CommandOutcome): number {
    return this.sendRecords("outcome", [{ kind: "command", body: JSON.parse(JSON.stringify(outcome)) as JsonObject }]);
  }

  /** Resolves once the cloud has acknowledged the stream up to `upTo`. */
  async storedUpTo(stream: Stream, upTo: number): Promise<void> {
    if ((this.stored[stream] ?? 0) >= upTo) return;
    await this.expect((message) => message.t === "stored" && (message.streams[stream] ?? 0) >= upTo);
  }

  /** Takes the next matching message, waiting up to 10 s. */
  expect(wanted: (message: CloudMessage) => boolean): Promise<CloudMessage> {
    const at = this.received.findIndex(wanted);
    const [found] = at < 0 ? [] : this.received.splice(at, 1);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nothing that fits came; there is ${JSON.stringify(this.received).slice(0, 500)}`)),
        WAIT_MS,
      );
      this.#waiters.push({
        wanted,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      });
    });
  }

  async expectType<T extends CloudMessage["t"]>(type: T): Promise<CloudMessageOf<T>> {
    return (await this.expect((message) => message.t === type)) as CloudMessageOf<T>;
  }

  /** Takes the next command and verifies its signature. */
  async expectCommand(ownerPublicKey: string): Promise<CommandPayload> {
    const { signed } = await this.expectType("command");
    return (await openSigned(signed, "command", ownerPublicKey)) as unknown as CommandPayload;
  }

  /** Acknowledges and reports success. */
  succeed({ id, attempt, name }: CommandPayload, result: JsonObject = {}): void {
    this.send({ t: "command-ack", id, attempt, state: "delivered" });
    this.send({ t: "command-progress", id, attempt, state: "running" });
    this.sendOutcome({ id, attempt, name, state: "succeeded", result, durationMs: 5 });
  }

  /** Resolves with the close code. */
  closed(): Promise<number> {
    return this.#closed;
  }

  async leave(): Promise<void> {
    this.#socket?.close();
    await this.#closed;
  }

  cut(): void {
    this.#socket?.terminate();
  }

  #take(welcome: CloudMessageOf<"welcome">): void {
    this.stored = { ...this.stored, ...welcome.stored };
  }

  #onFrame(text: string): void {
    const decoded = decodeCloudMessage(text);
    if (!decoded.ok) return;
    const message = decoded.value;
    if (message.t === "stored" && message.log === this.log) {
      for (const [stream, upTo] of Object.entries(message.streams))
        this.stored[stream as Stream] = Math.max(this.stored[stream as Stream] ?? 0, upTo);
    }
    const at = this.#waiters.findIndex(({ wanted }) => wanted(message));
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter === undefined) this.received.push(message);
    else waiter.resolve(message);
  }
}

export function audienceOf(base: string): string {
  return base.replace(/^http/, "ws");
}

/** Returns the signed payload; throws when the signature is not valid. */
export async function openSigned(signed: Signed, purpose: SignedPurpose, ownerPublicKey: string): Promise<Json> {
  const publicKey = fromBase64Url(ownerPublicKey);
  const signature = fromBase64Url(signed.signature);
  if (publicKey === undefined || signature === undefined) throw new Error("not base64url");
  if (!(await nodeCrypto.verifyEd25519(publicKey, signedBytes(purpose, signed.payload), signature)))
    throw new Error("the signature is not valid");
  return JSON.parse(signed.payload) as Json;
}
