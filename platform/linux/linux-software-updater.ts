import { connect } from "node:net";
import * as v from "valibot";
import { fail, foreignCode, ok, type Result } from "../ports/result.ts";
import { ReleaseFilesSchema, SoftwareStatusSchema, UPDATER_LINE_BYTES_MAX, type SoftwareUpdater, type UpdaterRequest } from "../ports/software.ts";
import { parseJson } from "../runtime/json.ts";
import { LineFramer } from "../runtime/line-framer.ts";

const QUICK_MS = 30_000;
/** Unpacking a release and putting it on a slow card. */
const INSTALL_MS = 15 * 60_000;
const NOTHING = v.unknown();

const AnswerSchema = v.variant("ok", [
  v.object({ ok: v.literal(true), value: v.optional(v.unknown()) }),
  v.object({ ok: v.literal(false), error: v.object({ code: v.string(), message: v.string(), hint: v.optional(v.string()) }) }),
]);

/** The updater behind its socket (`vitrine-updater.socket`), which systemd starts on the first connection. */
export function linuxSoftwareUpdater(socketPath: string): SoftwareUpdater {
  const nothing = async (request: UpdaterRequest, timeoutMs: number): Promise<Result<void>> => {
    const answer = await ask(socketPath, request, NOTHING, timeoutMs);
    return answer.ok ? ok(undefined) : answer;
  };
  return {
    status: () => ask(socketPath, { method: "status" }, SoftwareStatusSchema, QUICK_MS),
    check: (release) => ask(socketPath, { method: "check", params: release }, ReleaseFilesSchema, QUICK_MS),
    install: (params) => nothing({ method: "install", params }, INSTALL_MS),
    confirm: (job) => nothing({ method: "confirm", params: { job } }, QUICK_MS),
    back: (job, code, message) => nothing({ method: "back", params: { job, code, message: message.slice(0, 2000) } }, QUICK_MS),
  };
}

/** One request a connection. Errors: `update.no-updater`, or the updater's own. */
function ask<S extends v.GenericSchema>(path: string, request: UpdaterRequest, schema: S, timeoutMs: number): Promise<Result<v.InferOutput<S>>> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const framer = new LineFramer(UPDATER_LINE_BYTES_MAX);
    const finish = (result: Result<v.InferOutput<S>>): void => {
      socket.destroy();
      resolve(result);
    };
    const absent = (why: string): void => finish(fail("update.no-updater", `the updater on ${path} ${why}`, "check `systemctl status vitrine-updater.socket`"));
    socket.setTimeout(timeoutMs, () => absent(`did not answer "${request.method}" within ${timeoutMs} ms`));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", (error) => absent(`cannot be reached: ${error.message}`));
    socket.on("close", () => absent(`closed the connection before it answered "${request.method}"`));
    socket.on("data", (chunk: Buffer) => {
      const lines = framer.push(chunk);
      if (lines === undefined) return absent("sent too much");
      if (lines[0] !== undefined) finish(readAnswer(lines[0], schema, request.method));
    });
  });
}

function readAnswer<S extends v.GenericSchema>(line: string, schema: S, method: string): Result<v.InferOutput<S>> {
  const answer = v.safeParse(AnswerSchema, parseJson(line));
  if (!answer.success) return fail("update.no-updater", `the updater's answer to "${method}" cannot be read: ${answer.issues[0].message}`);
  if (!answer.output.ok) return { ok: false, error: { ...answer.output.error, code: foreignCode(answer.output.error.code) } };
  const value = v.safeParse(schema, answer.output.value);
  return value.success ? ok(value.output) : fail("update.no-updater", `the updater's answer to "${method}" cannot be read: ${value.issues[0].message}`);
}
