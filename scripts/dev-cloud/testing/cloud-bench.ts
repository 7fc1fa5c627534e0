import type { CloudMessage, CloudMessageOf } from "../../../agent/protocol/cloud-messages.ts";
import { decodeCloudMessage } from "../../../agent/protocol/codec.ts";
import type { CommandPayload } from "../../../agent/protocol/commands/payload.ts";
import type { DeviceMessage, Hello } from "../../../agent/protocol/device-messages.ts";
import { STREAMS, type Stream } from "../../../agent/protocol/records.ts";
import { helloBytes } from "../../../agent/protocol/signed.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { keyFromSeed, newSeed, nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { Cloud } from "../sessions/cloud.ts";
import type { CloudEvent } from "../sessions/cloud-events.ts";
import type { CloudStore } from "../sessions/cloud-store.ts";
import type { CloudSettings } from "../sessions/context.ts";
import { fingerprintOf } from "../sessions/handshake.ts";
import type { OwnerKey, OwnerSigner } from "../sessions/owner-signer.ts";
import type { Session } from "../sessions/session.ts";
import { MemoryStore } from "../store/memory-store.ts";

export const AUDIENCE = "ws://127.0.0.1:4600";

/** In-memory owner with keys from a seed. */
export class MemorySigner implements OwnerSigner {
  readonly name = "Test owner";
  readonly #random: SeededRandom;
  #keys: OwnerKey[] = [];

  private constructor(random: SeededRandom) {
    this.#random = random;
  }

  static async create(seed: number): Promise<MemorySigner> {
    const signer = new MemorySigner(new SeededRandom(seed));
    await signer.rotate();
    return signer;
  }

  current(): OwnerKey {
    const key = this.#keys[0];
    if (key === undefined) throw new Error("no key");
    return key;
  }

  find(fingerprint: string): OwnerKey | undefined {
    return this.#keys.find((key) => key.fingerprint === fingerprint);
  }

  async rotate(): Promise<OwnerKey> {
    const key = keyFromSeed(newSeed(this.#random));
    const made = {
      fingerprint: await fingerprintOf(key.publicKey, nodeCrypto),
      publicKey: toBase64Url(key.publicKey),
      sign: (message: Uint8Array) => key.sign(message),
    };
    this.#keys = [made, ...this.#keys];
    return made;
  }
}

/** The cloud's sessions on virtual time and, by default, an in-memory store. */
export class CloudBench {
  readonly time = new VirtualTime();
  readonly random = new SeededRandom(7);
  readonly store: CloudStore;
  readonly signer: MemorySigner;
  readonly cloud: Cloud;
  readonly events: CloudEvent[] = [];

  private constructor(signer: MemorySigner, store: CloudStore, settings: Partial<CloudSettings>) {
    this.signer = signer;
    this.store = store;
    this.cloud = new Cloud({
      clock: this.time,
      timers: this.time,
      random: this.random,
      crypto: nodeCrypto,
      store,
      signer,
      log: silentLog,
      uploadsFreeBytes: () => 1_000_000,
      settings: {
        audiences: [AUDIENCE],
        httpBase: "http://127.0.0.1:4600",
        autoClaim: false,
        claimTokens: new Set(),
        defaultDesired: () => undefined,
        limits: {},
        caps: { records: { outcome: 100, alarm: 100, play: 100, event: 100, metric: 100 }, hidden: 10, commands: 100 },
        ...settings,
      },
    });
    this.cloud.events.on((event) => this.events.push(event));
    this.cloud.start();
  }

  static async create(
    settings: Partial<CloudSettings> = {},
    store: CloudStore = new MemoryStore(),
    ownerSeed = 1,
  ): Promise<CloudBench> {
    return new CloudBench(await MemorySigner.create(ownerSeed), store, settings);
  }

  /** Lets pending commits and promises complete. */
  async settle(): Promise<void> {
    await this.time.advance(1);
  }

  async device(seed = 3): Promise<BenchDevice> {
    const key = keyFromSeed(newSeed(new SeededRandom(seed)));
    return new BenchDevice(this, key, await fingerprintOf(key.publicKey, nodeCrypto));
  }

  /** Returns a connected and claimed device. */
  async claimed(seed = 3): Promise<BenchDevice> {
    const device = await this.device(seed);
    await device.join();
    const claim = await this.cloud.ownership.claim(device.take("pairing").code);
    if (!claim.ok) throw new Error(claim.error.message);
    await this.settle();
    device.owner = this.signer.current().fingerprint;
    device.take("owner");
    return device;
  }
}

/** Device end of a connection, without a socket. */
export class BenchDevice {
  readonly id: string;
  readonly key: DeviceKey;
  readonly log = "log-1";
  received: CloudMessage[] = [];
  /** Error codes of received frames that are not protocol messages. */
  nonsense: string[] = [];
  binary = 0;
  epoch = 0;
  bootId = "boot-1";
  owner: string | undefined;
  closed: { readonly code?: number; readonly reason: string } | undefined;
  paused = false;
  buffered = 0;
  session: Session | undefined;
  readonly #bench: CloudBench;

  constructor(bench: CloudBench, key: DeviceKey, id: string) {
    this.#bench = bench;
    this.key = key;
    this.id = id;
  }

  /** Opens a connection; the first message received is the challenge. */
  open(): Session {
    this.received = [];
    this.nonsense = [];
    this.closed = undefined;
    const mine = { over: false };
    const end = (reason: string, code?: number): void => {
      if (mine.over) return;
      mine.over = true;
      if (this.session === session) this.closed = code === undefined ? { reason } : { code, reason };
    };
    const session = this.#bench.cloud.open({
      remote: "bench",
      send: (text) => {
        if (!mine.over) this.#receive(text);
      },
      sendBinary: () => {
        this.binary += 1;
      },
      close: (code, reason) => end(reason, code),
      cut: () => end("cut"),
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      bufferedBytes: () => this.buffered,
    });
    this.session = session;
    return session;
  }

  async hello(change: Partial<Hello> = {}, nonce?: string): Promise<Hello> {
    const { id: deviceId, bootId, epoch } = this;
    const audience = change.audience ?? AUDIENCE;
    const signature = await this.key.sign(
      helloBytes({ nonce: nonce ?? this.take("challenge").nonce, deviceId, audience, bootId, epoch }),
    );
    return {
      t: "hello",
      version: 1,
      deviceId,
      publicKey: toBase64Url(this.key.publicKey),
      signature: toBase64Url(signature),
      audience,
      bootId,
      epoch,
      agent: { version: "1.0.0", platform: "bench" },
      clock: { wallMs: this.#bench.time.wallMs(), quality: "synced" },
      log: this.log,
      streams: Object.fromEntries(STREAMS.map((stream) => [stream, { stored: 0, oldest: 1, newest: 0 }])) as Hello["streams"],
      desiredVersion: 0,
      reportedVersion: 0,
      profileHash: "0".repeat(64),
      openCommands: [],
      ...(this.owner === undefined ? {} : { owner: this.owner }),
      ...change,
    };
  }

  /** Connects with the next epoch and returns the cloud's answer. */
  async connect(change: Partial<Hello> = {}): Promise<CloudMessageOf<"welcome"> | CloudMessageOf<"refused"> | undefined> {
    this.open();
    this.epoch += 1;
    this.send(await this.hello(change));
    await this.#bench.settle();
    const at = this.received.findIndex((message) => message.t === "welcome" || message.t === "refused");
    const [answer] = at < 0 ? [] : this.received.splice(at, 1);
    return answer?.t === "welcome" || answer?.t === "refused" ? answer : undefined;
  }

  async join(change: Partial<Hello> = {}): Promise<CloudMessageOf<"welcome">> {
    const answer = await this.connect(change);
    if (answer?.t !== "welcome") throw new Error(`no welcome: ${JSON.stringify(answer ?? this.closed)}`);
    return answer;
  }

  send(message: DeviceMessage): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.session?.onFrame(text, Buffer.byteLength(text));
  }

  records(
    stream: Stream,
    seqs: readonly number[],
    body: (seq: number) => { readonly kind: string; readonly body: JsonObject } = eventBody,
  ): void {
    this.send({
      t: "records",
      stream,
      log: this.log,
      boot: this.bootId,
      clock: "synced",
      records: seqs.map((seq) => ({ seq, wall: this.#bench.time.wallMs(), mono: seq, ...body(seq) })),
    });
  }

  outcome(seq: number, command: CommandPayload, state: "succeeded" | "failed" | "canceled", change: JsonObject = {}): void {
    const { id, attempt, name } = command;
    this.records("outcome", [seq], () => ({ kind: "command", body: { id, attempt, name, state, ...change } }));
  }

  /** Drops the connection from the device's side. */
  drop(reason = "closed"): void {
    this.session?.onClosed(reason);
  }

  /** Takes the first queued message of a type; throws when there is none. */
  take<T extends CloudMessage["t"]>(type: T): CloudMessageOf<T> {
    const at = this.received.findIndex((message) => message.t === type);
    const [found] = at < 0 ? [] : this.received.splice(at, 1);
    if (found === undefined) throw new Error(`no ${type}; there is ${JSON.stringify(this.received).slice(0, 600)}`);
    return found as CloudMessageOf<T>;
  }

  /** Number of queued messages of a type. */
  count(type: CloudMessage["t"]): number {
    return this.received.filter((message) => message.t === type).length;
  }

  takeCommand(): CommandPayload {
    return JSON.parse(this.take("command").signed.payload) as CommandPayload;
  }

  #receive(text: string): void {
    const decoded = decodeCloudMessage(text);
    if (decoded.ok) this.received.push(decoded.value);
    else this.nonsense.push(decoded.error.code);
  }
}

function eventBody(seq: number): { readonly kind: string; readonly body: JsonObject } {
  return { kind: "page", body: { name: `event-${seq}` } };
}
