import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HostLink } from "../../agent/core/player/host-link.ts";
import { SystemTimers, systemClock } from "../../platform/linux/system-clock.ts";
import { socketChannel } from "../../platform/node/socket-channel.ts";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { playerSocketPath } from "../contract/socket-path.ts";

const url = (path: string): string => JSON.stringify(pathToFileURL(resolve(import.meta.dirname, path)).href);

/** The host's real program, over a shell that renders nothing. */
const HOST = `
const { runHostProgram } = await import(${url("host-program.ts")});
const { MemoryShell } = await import(${url("../host/testing/memory-shell.ts")});
const { systemClock, SystemTimers } = await import(${url("../../platform/linux/system-clock.ts")});
const { systemRandom } = await import(${url("../../platform/linux/system-random.ts")});
process.exitCode = await runHostProgram({
  argv: process.argv.slice(1),
  openShell: () => Promise.resolve(new MemoryShell()),
  sandbox: true,
  exit: (code) => process.exit(code),
  clock: systemClock,
  timers: new SystemTimers(),
  random: systemRandom,
});
`;

let folder = "";
let server: Server;
let link: HostLink;
let host: ChildProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-stop-"));
  link = new HostLink({ clock: systemClock, timers: new SystemTimers(), log: silentLog });
  // What the agent does at its end, without the agent's limits.
  server = createServer((socket) => {
    const listener = link.accept(socketChannel(socket, "the player host", { line: (line) => listener.line(line), ended: (why) => listener.ended(why) }));
  });
  const socket = playerSocketPath(socketPlaceOf(folder));
  mkdirSync(socket.folder, { mode: 0o700 });
  server.listen(socket.path);
  await once(server, "listening");
});
afterEach(() => {
  host?.kill("SIGKILL");
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([["SIGTERM", "stopped"], ["SIGKILL", "lost"]] as const)("after %s to a running host, the agent knows that it was %s", async (signal, how) => {
  host = spawn(process.execPath, ["--input-type=module", "-e", HOST, "--", "--data", folder, "--log-level", "error"], { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, VITRINE_SOCKETS_DIR: folder } });
  await expect.poll(() => link.status().kind, { timeout: 30_000 }).toBe("present");
  host.kill(signal);
  await expect.poll(() => link.status(), { timeout: 30_000 }).toMatchObject({ kind: "absent", how });
}, 90_000);
