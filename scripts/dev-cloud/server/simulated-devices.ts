import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Timers } from "../../../platform/ports/clock.ts";
import { fail, messageOf, ok, type Result } from "../../tool-result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";

const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_CHARACTERS_MAX = 4 * 1024 * 1024;
const LOOK_EVERY_MS = 2_000;

/** Finds the admin sockets of simulated devices under one folder and forwards requests to them. */
export class SimulatedDevices {
  readonly #folder: string | undefined;
  readonly #timers: Timers;
  readonly #nowMs: () => number;
  readonly #sockets = new Map<string, string>();
  #lookedMs = -Infinity;
  #looking: Promise<void> | undefined;

  constructor(folder: string | undefined, timers: Timers, nowMs: () => number) {
    this.#folder = folder;
    this.#timers = timers;
    this.#nowMs = nowMs;
  }

  /** Whether the device was found by the last search. */
  has(device: string): boolean {
    return this.#sockets.has(device);
  }

  /** Searches the folder, at most every two seconds. */
  async refresh(): Promise<void> {
    if (this.#folder === undefined || this.#nowMs() - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#looking ??= this.#look(this.#folder).finally(() => {
      this.#lookedMs = this.#nowMs();
      this.#looking = undefined;
    });
    await this.#looking;
  }

  /** Sends one request to a device. Codes: `simulated.unavailable`, `simulated.failed`, or the device's own. */
  async call(device: string, method: string, params: JsonObject): Promise<Result<Json>> {
    if (!this.#sockets.has(device)) await this.refresh();
    const socket = this.#sockets.get(device);
    if (socket === undefined)
      return fail(
        "simulated.unavailable",
        "there is no simulated device with this id here",
        "it must run on this machine, with its folder in --devices-dir",
      );
    const answer = await askSocket(socket, method, params, this.#timers);
    if (!answer.ok && answer.error.code === "simulated.unavailable") this.#sockets.delete(device);
    return answer;
  }

  async #look(folder: string): Promise<void> {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const found = await Promise.all(
      names.map(async (name) => {
        const socket = join(folder, name, "run", "agent.sock");
        if (!existsSync(socket)) return undefined;
        const status = await askSocket(socket, "status", {}, this.#timers);
        const id = status.ok && isJsonObject(status.value) ? status.value["deviceId"] : undefined;
        return typeof id === "string" ? { id, socket } : undefined;
      }),
    );
    this.#sockets.clear();
    for (const entry of found) if (entry !== undefined) this.#sockets.set(entry.id, entry.socket);
  }
}

/** Sends one JSON line and waits for the answer line. */
function askSocket(path: string, method: string, params: JsonObject, timers: Timers): Promise<Result<Json>> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let text = "";
    const end = (result: Result<Json>): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = timers.after("simulated.ask", ANSWER_TIMEOUT_MS, () =>
      end(fail("simulated.failed", `the device did not answer ${method} in ${ANSWER_TIMEOUT_MS / 1000} s`)),
    );
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${JSON.stringify({ id: 1, method, params })}\n`));
    socket.on("error", (error: Error) =>
      end(fail("simulated.unavailable", `the device's socket does not answer: ${messageOf(error)}`)),
    );
    socket.on("close", () => end(fail("simulated.unavailable", "the device's socket closed before it answered")));
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_CHARACTERS_MAX) end(fail("simulated.failed", "the device's answer is too large"));
      for (;;) {
        const at = text.indexOf("\n");
        if (at < 0) return;
        const answer = readAnswer(text.slice(0, at));
        text = text.slice(at + 1);
        if (answer !== undefined) {
          end(answer);
          return;
        }
      }
    });
  });
}

/** `undefined` for lines that are not the answer, such as events. */
function readAnswer(line: string): Result<Json> | undefined {
  const json = parseJson(line);
  if (!isJsonObject(json) || json["id"] !== 1) return undefined;
  const { error } = json;
  if (!isJsonObject(error)) return ok(json["result"] ?? null);
  const code = typeof error["code"] === "string" ? error["code"] : "simulated.failed";
  const message = typeof error["message"] === "string" ? error["message"] : "the device refused";
  return fail(code, message, typeof error["hint"] === "string" ? error["hint"] : undefined);
}
