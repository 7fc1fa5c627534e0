import { connect, type Socket } from "node:net";
import { fail, foreignCode, ok, type Result } from "../../../platform/ports/result.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";
import { validate } from "../../protocol/codec.ts";
import { LocalResponseSchema } from "./wire.ts";

/** Answers carry logs and event lists; a larger one is a fault of the agent. */
const ANSWER_BYTES_MAX = 96 * 1024 * 1024;

/**
 * Sends one request to a running agent. Errors: `local.no-agent` (nothing listens), `local.forbidden` (the socket belongs
 * to another user), `local.timeout`, `local.malformed`, or the method's own.
 */
export function askAgent(socketPath: string, method: string, params: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<Result<unknown>> {
  return new Promise((resolve) => {
    const socket: Socket = connect(socketPath);
    const framer = new LineFramer(ANSWER_BYTES_MAX);
    const finish = (result: Result<unknown>): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => finish(fail("local.timeout", `the agent did not answer "${method}" within ${timeoutMs} ms`, "`vitrine doctor` or the agent's log may say why")));
    socket.on("connect", () => socket.write(`${JSON.stringify({ id: 1, method, params })}\n`));
    socket.on("error", (error: NodeJS.ErrnoException) => finish(connectionError(socketPath, error)));
    socket.on("close", () => finish(fail("local.no-answer", `the agent closed the connection before it answered "${method}"`, "it may be restarting; try again")));
    socket.on("data", (chunk: Buffer) => {
      const line = framer.push(chunk)?.[0];
      if (line !== undefined) finish(readAnswer(line));
    });
  });
}

function readAnswer(line: string): Result<unknown> {
  const answer = validate(LocalResponseSchema, parseJson(line), "the agent's answer", "local.malformed");
  if (!answer.ok) return answer;
  return "error" in answer.value ? { ok: false, error: { ...answer.value.error, code: foreignCode(answer.value.error.code) } } : ok(answer.value.result);
}

function connectionError(socketPath: string, error: NodeJS.ErrnoException): Result<never> {
  if (error.code === "ENOENT" || error.code === "ECONNREFUSED") {
    return fail("local.no-agent", `no agent is running here (nothing listens on ${socketPath})`, "on an installed device: systemctl status vitrine-agent says why. Elsewhere start it, or name its data folder with --data DIR and, where its sockets are not there, VITRINE_SOCKETS_DIR");
  }
  if (error.code === "EACCES" || error.code === "EPERM") {
    return fail("local.forbidden", `this user may not talk to the agent on ${socketPath}`, "run the command as root or as the agent's user");
  }
  return fail("local.connection", `the agent could not be reached on ${socketPath}: ${error.message}`);
}
