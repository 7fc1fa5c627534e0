import { createHash } from "node:crypto";
import { COMMANDS } from "../../../../agent/protocol/commands/catalog.ts";
import type { CommandPayload } from "../../../../agent/protocol/commands/payload.ts";
import type { CommandOutcome } from "../../../../agent/protocol/records.ts";
import type { ReportedDocument } from "../../../../agent/protocol/reported.ts";
import type { CloudMessage } from "../../../../agent/protocol/cloud-messages.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import { TestDevice } from "../../testing/test-device.ts";

const LOOK_EVERY_MS = 40;
/** Rounds between pings: about ten seconds, to keep the session alive. */
const PING_ROUNDS = 250;

/** A staged device's outcome of a command, without the common fields. */
export type Answer = Pick<CommandOutcome, "state"> & Partial<Pick<CommandOutcome, "effect" | "result" | "error">>;

export interface StagePlan {
  readonly reported: ReportedDocument;
  /** Supported commands; all when absent. */
  readonly commands?: readonly string[];
  readonly capabilities?: readonly string[];
  /** Returns the PNG to upload for a screenshot. */
  readonly picture?: () => Buffer;
  readonly answer?: (command: CommandPayload) => Answer;
}

/** A scripted device for browser tests, with a profile, a reported state and an answer to every command. */
export class StageDevice {
  readonly device: TestDevice;
  readonly #plan: StagePlan;
  readonly #base: string;
  #version = 0;
  #running = true;
  #loop: Promise<void> = Promise.resolve();

  private constructor(device: TestDevice, base: string, plan: StagePlan) {
    this.device = device;
    this.#base = base;
    this.#plan = plan;
  }

  static async connect(base: string, plan: StagePlan, seed?: Uint8Array): Promise<StageDevice> {
    const stage = new StageDevice(await TestDevice.create(seed), base, plan);
    await stage.join();
    return stage;
  }

  get id(): string {
    return this.device.id;
  }

  async join(): Promise<void> {
    await this.device.join(this.#base);
    this.sendProfile();
    this.report(this.#plan.reported);
    this.#running = true;
    this.#loop = this.#obey();
  }

  async leave(): Promise<void> {
    this.#running = false;
    await this.device.leave();
    await this.#loop;
  }

  sendProfile(): void {
    const commands = this.#plan.commands ?? Object.keys(COMMANDS);
    const needs = Object.values(COMMANDS).flatMap((command) => (commands.includes(command.name) && command.needs !== undefined ? [command.needs] : []));
    const capabilities = this.#plan.capabilities ?? [...new Set(needs)];
    this.device.send({
      t: "profile",
      hash: createHash("sha256").update(JSON.stringify([commands, capabilities])).digest("hex"),
      capabilities: [...capabilities],
      commands: [...commands],
      choices: { "display.input": { input: ["tuner", "hdmi-1", "hdmi-2"] }, "display.orientation": { degrees: [0, 90, 180, 270] }, "gpio.write": { line: ["GPIO17", "GPIO27"] } },
      inventory: { model: { kind: "ok", value: "Simulated player" }, cpuCores: { kind: "ok", value: 4 }, serial: { kind: "unknown", why: "not burnt in" } },
      evidence: ["adapter simulated", "asked for by --platform simulated"],
    });
  }

  /** Sends a whole document. */
  report(document: ReportedDocument): void {
    this.#version += 1;
    this.device.send({ t: "reported", version: this.#version, document: document as JsonObject });
  }

  /** Answers commands until it leaves. */
  async #obey(): Promise<void> {
    let round = 0;
    while (this.#running) {
      round += 1;
      // Polls the list of received messages: `expect` would time out during quiet phases of a browser test.
      for (const message of this.device.received.splice(0)) await this.#take(message);
      if (round % PING_ROUNDS === 0) this.device.send({ t: "ping" });
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async #take(message: CloudMessage): Promise<void> {
    if (message.t === "command") this.#run(JSON.parse(message.signed.payload) as CommandPayload);
    else if (message.t === "upload-grant") await this.#upload(message.id, message.url, message.headers ?? {});
  }

  #run(command: CommandPayload): void {
    const { id, attempt, name } = command;
    const { picture, answer } = this.#plan;
    this.device.send({ t: "command-ack", id, attempt, state: "delivered" });
    this.device.send({ t: "command-progress", id, attempt, state: "running", step: "at work" });
    if (name === "screenshot" && picture !== undefined) {
      const bytes = picture();
      this.#pictures.set(id, { command, bytes });
      this.device.send({ t: "upload-request", id, purpose: "screenshot", contentType: "image/png", bytes: bytes.length, sha256: hashOf(bytes), command: { id, attempt } });
      return;
    }
    this.device.sendOutcome({ id, attempt, name, durationMs: 120, ...(answer?.(command) ?? { state: "succeeded", result: {} }) });
  }

  readonly #pictures = new Map<string, { readonly command: CommandPayload; readonly bytes: Buffer }>();

  async #upload(id: string, url: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const waiting = this.#pictures.get(id);
    if (waiting === undefined) return;
    this.#pictures.delete(id);
    const { command, bytes } = waiting;
    const response = await fetch(url, { method: "PUT", headers: { ...headers, "content-type": "image/png" }, body: new Uint8Array(bytes) });
    const result: JsonObject = { source: "renderer", width: 640, height: 360, bytes: bytes.length, sha256: hashOf(bytes), upload: id };
    const state = response.ok ? "succeeded" : "failed";
    this.device.sendOutcome({ id: command.id, attempt: command.attempt, name: command.name, state, durationMs: 300, result });
  }
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
