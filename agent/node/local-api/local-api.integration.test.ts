import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { askAgent } from "./local-client.ts";
import { LocalServer, type LocalMethods } from "./local-server.ts";

let folder = "";
let path = "";
let stop = new AbortController();
let running: Promise<void> = Promise.resolve();

const methods: LocalMethods = {
  status: (params) => Promise.resolve(ok({ asked: params })),
  refuse: () => Promise.resolve(fail("bundle.unwritable", "refused on purpose", "nothing to do")),
  broken: () => Promise.reject(new Error("a bug")),
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-local-"));
  path = join(folder, "run", "agent.sock");
  stop = new AbortController();
  running = new LocalServer(path, methods, silentLog).run(stop.signal);
  await expect.poll(() => statSync(path, { throwIfNoEntry: false })?.isSocket()).toBe(true);
});
afterEach(async () => {
  stop.abort();
  await running;
  rmSync(folder, { recursive: true, force: true });
});

test("answers, refuses and survives its own bugs, each with a distinct code", async () => {
  expect(await askAgent(path, "status", { a: 1 }, 5_000)).toEqual({ ok: true, value: { asked: { a: 1 } } });
  expect(await askAgent(path, "refuse", {}, 5_000)).toMatchObject({ ok: false, error: { code: "bundle.unwritable", hint: "nothing to do" } });
  expect(await askAgent(path, "broken", {}, 5_000)).toMatchObject({ ok: false, error: { code: "local.internal" } });
  expect(await askAgent(path, "toString", {}, 5_000)).toMatchObject({ ok: false, error: { code: "local.malformed" } });
  expect(await askAgent(path, "constructor", {}, 5_000)).toMatchObject({ ok: false, error: { code: "local.unknown-method" } });
});

test("only the agent's user may connect", () => {
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "run")).mode & 0o777).toBe(0o700);
});

test("a line that is too long gets an answer and only ends its own connection", async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(path);
    socket.setEncoding("utf8");
    socket.on("data", resolve);
    socket.on("error", () => resolve("connection closed"));
    socket.write("x".repeat(2 * 1024 * 1024));
  });
  expect(answer).toContain("local.too-large");
  expect((await askAgent(path, "status", {}, 5_000)).ok).toBe(true);
});

test("without a running agent the error says what to do", async () => {
  const answer = await askAgent(join(folder, "nothing.sock"), "status", {}, 5_000);
  expect(answer).toMatchObject({ ok: false, error: { code: "local.no-agent" } });
});
