import { spawn, type ChildProcess } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isAlive } from "../../../platform/node/proc.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import { FakeAgent } from "../testing/fake-agent.ts";

const MAIN = join(import.meta.dirname, "main.ts");

/** Stand-ins for failing browsers. Shell scripts are enough, because none gets as far as using the pipe. */
describe("the player host with a browser that does not start", () => {
  let folder: string;
  let agent: FakeAgent;
  let host: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitrine-start-"));
    agent = new FakeAgent(playerSocketPath(socketPlaceOf(folder)).path, { kind: "content", content: { kind: "url", id: "a", url: "http://127.0.0.1:9/", grants: [] } });
    await agent.start();
  });

  afterEach(async () => {
    const { host: left } = { host };
    host = undefined;
    if (left?.exitCode === null && left.signalCode === null) {
      const ended = exitOf(left);
      left.kill("SIGKILL");
      await ended;
    }
    await agent.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  async function start(script: string, env: Record<string, string> = {}): Promise<ChildProcess> {
    const browser = join(folder, "browser.sh");
    await writeFile(browser, `#!/bin/sh\n${script}\n`);
    await chmod(browser, 0o755);
    host = spawn(process.execPath, [MAIN, "--data", folder, "--browser", browser], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
    return host;
  }

  /** What the agent is told about the browser. */
  async function failure(): Promise<string> {
    const { stage } = await agent.hears("stage", 0, (message) => message.stage.kind === "failed");
    return stage.kind === "failed" ? stage.error : "";
  }

  async function pidOfBrowser(): Promise<number> {
    return vi.waitFor(async () => Number(await readFile(join(folder, "pid"), "utf8")) || Promise.reject(new Error("not yet")), { timeout: 10_000, interval: 50 });
  }

  test("reports the exit code and last output of a browser that exits at once", async () => {
    await start(`echo "Missing X server or \\$DISPLAY" >&2; exit 7`);
    expect(await failure()).toMatch(/it ended with code 7\. Its last words: Missing X server or \$DISPLAY/);
  });

  test("reports the signal of a browser that was killed, with or without output", async () => {
    await start(`kill -TRAP $$`);
    expect(await failure()).toMatch(/it was ended by SIGTRAP, and said nothing/);
  });

  test("reports how the browser ended, even if the pipe closes before the exit", async () => {
    await start(`exec 3<&- 4>&-; sleep 0.3; echo "too late" >&2; exit 9`);
    expect(await failure()).toMatch(/it ended with code 9\. Its last words: too late/);
  });

  test("reports that a path is not a program", async () => {
    host = spawn(process.execPath, [MAIN, "--data", folder, "--browser", join(folder, "nothing")], { stdio: ["ignore", "ignore", "pipe"] });
    expect(await failure()).toMatch(/it could not be run: .*ENOENT/);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("ends on %s while the browser hangs at its start, and ends the browser too", async (signal) => {
    const started = await start(`trap "" TERM INT HUP; echo $$ > ${folder}/pid; while :; do sleep 1; done`);
    const browser = await pidOfBrowser();
    const ended = exitOf(started);
    started.kill(signal);
    expect(await ended).toBe(0);
    await vi.waitFor(() => expect(isAlive(browser)).toBe(false), { timeout: 5_000 });
    const log = await readFile(join(folder, "logs", "player.log"), "utf8");
    expect(log).toContain("player host ends");
  });

  test("gives the browser what it needs of the environment, but none of the launcher's secrets", async () => {
    await start(`env > ${folder}/env; exit 1`, { VITRINE_CLAIM_TOKEN: "secret-1", CLOUD_API_KEY: "secret-2", LC_ALL: "C.UTF-8", TZ: "Europe/Berlin" });
    await failure();
    const env = await readFile(join(folder, "env"), "utf8");
    expect(env).not.toContain("secret-");
    expect(env).toMatch(/^LC_ALL=C\.UTF-8$/m);
    expect(env).toMatch(/^TZ=Europe\/Berlin$/m);
  });
});

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}
