import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveUnixSocket } from "./unix-server.ts";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "vitrine-unix-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Serves, connects once, and stops. */
async function answers(path: string): Promise<string> {
  const stop = new AbortController();
  let serving = Promise.resolve();
  const listening = new Promise<void>((resolve) => {
    serving = serveUnixSocket({ path, connectionsMax: 4, accept: (socket) => socket.end("here"), onListening: resolve }, stop.signal);
  });
  try {
    await Promise.race([listening, serving]);
    return await new Promise<string>((resolve, reject) => {
      connect(path).setEncoding("utf8").once("data", resolve).once("error", reject);
    });
  } finally {
    stop.abort();
    await serving;
  }
}

test.each<[string, (run: string, path: string) => void]>([
  ["nothing", () => undefined],
  ["a file where the socket should be", (run, path) => {
    mkdirSync(run);
    writeFileSync(path, "x");
  }],
  ["an empty folder where the socket should be", (_run, path) => mkdirSync(path, { recursive: true })],
  ["a folder with something in it where the socket should be", (_run, path) => mkdirSync(join(path, "something"), { recursive: true })],
  ["a file where their folder should be", (run) => writeFileSync(run, "x")],
])("%s does not keep it from listening", async (_what, prepare) => {
  const run = join(root, "run");
  const path = join(run, "a.sock");
  prepare(run, path);
  expect(await answers(path)).toBe("here");
});

test("a link in place of the sockets' folder is refused", async () => {
  symlinkSync(tmpdir(), join(root, "run"));
  await expect(answers(join(root, "run", "a.sock"))).rejects.toThrow("is not a folder");
});
