import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAgentSocket } from "./open-agent-socket.ts";

let folder = "";
let server: Server;
let came = 0;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-open-"));
  came = 0;
  server = createServer((socket) => {
    came += 1;
    socket.end();
  });
  await new Promise<void>((done) => server.listen(join(folder, "player.sock"), done));
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

function end(): Promise<string> {
  const socket = openAgentSocket({ folder, path: join(folder, "player.sock") }, folder);
  return new Promise((done) => {
    socket.once("error", (error) => done(error.message));
    socket.once("close", () => done("closed"));
    socket.resume();
  });
}

test("the host connects if the socket's folder is ours", async () => {
  expect(await end()).toBe("closed");
  expect(came).toBe(1);
});

test("the host does not even connect if somebody else could have created the socket", async () => {
  chmodSync(folder, 0o777);
  expect(await end()).toContain("socket.untrusted-folder");
  expect(came).toBe(0);
});
