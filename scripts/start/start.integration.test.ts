import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";

/**
 * `npm start` as a real process, on a small tree whose cloud, agent and player host are stand-ins that
 * end as they are told: see `testing/tree`.
 */
const RUNNER = `import { start } from ${JSON.stringify(join(import.meta.dirname, "start.ts"))};
process.exitCode = await start(process.argv.slice(2), process.env.TEST_ROOT, { pictureWithinMs: Number(process.env.TEST_PICTURE_MS ?? 30_000), exitsMax: 2 });`;
const WAIT = { timeout: 25_000, interval: 50 };

const hasProc = existsSync("/proc/self");
if (!hasProc) reportLeftOut("npm start on a data folder below /proc, and what runs beside it", "there is no /proc on this machine");

interface Started {
  readonly process: ChildProcess;
  output(): string;
  readonly code: Promise<number | null>;
}

let root: string;
let data: string;
let port: number;
const started: Started[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "vitrine-start-"));
  cpSync(join(import.meta.dirname, "testing/tree"), root, { recursive: true });
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(root, "node_modules"));
  for (const file of ["package-lock.json", "tsconfig.json"]) writeFileSync(join(root, file), "{}");
  // Prints a version and does nothing else: the fake player starts no browser.
  writeFileSync(join(root, "browser"), "#!/bin/sh\necho Chromium 1.2.3\n", { mode: 0o755 });
  data = join(root, "data");
  port = await freePort();
});

afterEach(async () => {
  for (const each of started.splice(0)) {
    each.process.kill("SIGTERM");
    await each.code;
  }
  await vi.waitUntil(() => pidsStarted().every((pid) => !isAlive(pid)), WAIT);
  rmSync(root, { recursive: true, force: true });
});

describe("npm start", () => {
  test("runs the cloud and every device, and Ctrl-C leaves no process", async () => {
    const run = startVitrine("--devices", "2");
    await vi.waitFor(() => expect([lines("1", "agent"), lines("2", "agent"), lines("2", "player")].map((l) => l.length)).toEqual([1, 1, 1]), WAIT);
    expect(run.output()).toContain(`Dashboard: http://127.0.0.1:${port}/`);
    await vi.waitFor(() => expect(run.output()).toContain("device 2: up"), WAIT);
    expect(lines("1", "agent")[0]).toContain(`simulated ws://127.0.0.1:${port}/device/v1`);
    expect(lines("1", "player")[0]).toContain(`${join(root, "browser")} true`);
    const pids = pidsStarted();
    expect(pids).toHaveLength(6);
    run.process.kill("SIGINT");
    expect(await run.code).toBe(0);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), WAIT);
  });

  test.skipIf(!hasProc)("keeps no build helper: once the devices are up, only its safety net and its programs run beside it", async () => {
    const run = startVitrine();
    await vi.waitFor(() => expect(run.output()).toContain("device 1: up"), WAIT);
    expect(run.output()).toContain("Programs built.");
    expect(commandsBelow(run.process.pid ?? 0).filter((command) => /esbuild|build-child/.test(command))).toEqual([]);
    expect(commandsBelow(run.process.pid ?? 0).filter((command) => command.includes("reaper"))).toHaveLength(1);
  });

  test("kills what does not stop on request", async () => {
    const run = startVitrine();
    await agentStarts(1);
    order("hang");
    await vi.waitFor(() => expect(existsSync(join(device("1"), "do"))).toBe(false), WAIT);
    const pids = pidsStarted();
    run.process.kill("SIGTERM");
    expect(await run.code).toBe(0);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), WAIT);
  });

  test("leaves nothing behind when it is killed itself", async () => {
    const run = startVitrine();
    await agentStarts(1);
    order("hang");
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(1), WAIT);
    const pids = pidsStarted();
    run.process.kill("SIGKILL");
    await run.code;
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), WAIT);
  });

  test("restarts a crashed agent and leaves its player alone", async () => {
    const run = startVitrine();
    await agentStarts(1);
    order("exit 1");
    await agentStarts(2);
    expect(lines("1", "player")).toHaveLength(1);
    expect(run.output()).toContain("device 1: the agent ended (exit code 1)");
  });

  test("reboots the machine, agent and player, when the agent requests it", async () => {
    startVitrine();
    await agentStarts(1);
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(1), WAIT);
    order("exit 76");
    await agentStarts(2);
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(2), WAIT);
  });

  test("takes a killed agent with a new boot id as a power cut", async () => {
    const run = startVitrine();
    await agentStarts(1);
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(1), WAIT);
    // The boot id is known once the agent answers; before that, a kill is just a kill.
    await vi.waitFor(() => expect(run.output()).toContain("device 1: up"), WAIT);
    order("power-cut");
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(2), WAIT);
    expect(run.output()).toContain("device 1: lost power");
  });

  test("leaves a machine off after a shutdown, and an agent stopped if its configuration is wrong", async () => {
    const run = startVitrine("--devices", "2");
    await vi.waitFor(() => expect([lines("1", "agent"), lines("2", "agent")].map((l) => l.length)).toEqual([1, 1]), WAIT);
    order("exit 77", "1");
    order("exit 78", "2");
    await vi.waitFor(() => expect(run.output()).toContain("device 1: was shut down"), WAIT);
    await vi.waitFor(() => expect(run.output()).toContain("device 2: the agent is not restarted: its configuration is wrong"), WAIT);
    const [pid, child] = (lines("1", "player")[0] ?? "").split(" ").map(Number);
    await vi.waitFor(() => expect([pid ?? 0, child ?? 0].filter(isAlive)).toEqual([]), WAIT);
    const [otherPid] = (lines("2", "player")[0] ?? "").split(" ").map(Number);
    expect(isAlive(otherPid ?? 0)).toBe(true);
  });
});

describe("a browser that does not prove itself", () => {
  /** A scripted Electron, and a Chromium as the next choice. */
  const withBrowsers = (electron: string, chromium: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Started => {
    const bin = join(root, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "electron"), `#!/bin/sh\ncase "$*" in *--version) echo v45.4.1; exit;; esac\n${electron}\n`, { mode: 0o755 });
    writeFileSync(join(bin, chromium), "#!/bin/sh\necho Chromium 1.2.3\n", { mode: 0o755 });
    symlinkSync(join(bin, chromium), join(bin, "chromium"));
    symlinkSync(join(bin, chromium), join(bin, "google-chrome"));
    return startWith(args, { VITRINE_BROWSER: "", ELECTRON_OVERRIDE_DIST_PATH: bin, PATH: bin, ...env });
  };

  test("because it exits at once is replaced by the next, and the reason is printed and reported to the device", async () => {
    const run = withBrowsers("echo 'libgbm.so.1: cannot open shared object file' >&2; exit 127", "real-shows");
    await vi.waitFor(() => expect(existsSync(join(device("1"), "status.json"))).toBe(true), WAIT);
    const why = "it ended 2 times before its first picture; the last time: exit code 127, libgbm.so.1: cannot open shared object file";
    expect(run.output()).toContain(`electron 45.4.1 has shown no picture: ${why}. chromium 1.2.3 takes over (found on this machine).`);
    // It may be half written.
    const status = await vi.waitFor(() => JSON.parse(readFileSync(join(device("1"), "status.json"), "utf8")) as { browser: unknown }, WAIT);
    expect(status.browser).toMatchObject({ why: `${join(root, "bin/chromium")}, found on this machine`, passedOver: [{ name: "electron 45.4.1", why }] });
    run.process.kill("SIGINT");
    expect(await run.code).toBe(0);
    // Not tried again at the next start.
    port = await freePort();
    const again = startWith([], { VITRINE_BROWSER: "", ELECTRON_OVERRIDE_DIST_PATH: join(root, "bin"), PATH: join(root, "bin") });
    await vi.waitFor(() => expect(again.output()).toContain(`Not electron 45.4.1: ${why} (at an earlier start`), WAIT);
    await vi.waitFor(() => expect(again.output()).toContain("Browser: chromium 1.2.3"), WAIT);
  });

  test("because it hangs is ended and replaced", async () => {
    const run = withBrowsers("exec /bin/sleep 600", "real-shows", { TEST_PICTURE_MS: "500" });
    await vi.waitFor(() => expect(run.output()).toContain("electron 45.4.1 has shown no picture: no picture within 1 s. chromium 1.2.3 takes over"), WAIT);
    // Reported while waiting, so that the terminal is not silent.
    expect(run.output()).toMatch(/device 1: no picture yet after \d+ s: electron 45\.4\.1 has 1 s to show one\n[\s\S]*takes over/);
    await vi.waitFor(() => expect(lines("1", "player")).toHaveLength(1), WAIT);
  });

  test("because its own player host says so is replaced, and the last one is left alone", async () => {
    const run = withBrowsers("echo 'no picture within 30 s' >&2; exit 69", "real-ends");
    await vi.waitFor(() => expect(run.output()).toContain("electron 45.4.1 has shown no picture: no picture within 30 s. chromium 1.2.3 takes over"), WAIT);
    await vi.waitFor(() => expect(run.output()).toContain("chromium 1.2.3 has shown no picture: it ended 2 times before its first picture. There is no other browser, so it keeps trying."), WAIT);
    expect(lines("1", "player")).toHaveLength(1);
  });

  test("but was named on the command line is not replaced, and the reason is printed", async () => {
    const run = withBrowsers("echo broken >&2; exit 3", "real-shows", {}, ["--browser", "electron"]);
    await vi.waitFor(() => expect(run.output()).toContain("the last time: exit code 3, broken. It was named on the command line, so no other one takes over."), WAIT);
  });

  test("is not even started if another one was named on the command line", async () => {
    const run = withBrowsers("exit 3", "real-shows", {}, ["--browser", join(root, "bin/chromium")]);
    await vi.waitFor(() => expect(existsSync(join(device("1"), "status.json"))).toBe(true), WAIT);
    expect(run.output()).toContain(`Browser: chromium 1.2.3 at ${join(root, "bin/chromium")} (named with --browser)`);
    expect(run.output()).not.toContain("electron");
  });
});

describe("a reason not to start is printed in one sentence", () => {
  test.skipIf(!hasProc)("a data folder that cannot be created", async () => {
    const { code, output } = await refused(["--data", "/proc/vitrine"]);
    expect([code, output]).toEqual([1, expect.stringContaining("The data folder /proc/vitrine cannot be written") as string]);
  });

  test("a port in use", async () => {
    const server = createServer().listen(port, "127.0.0.1");
    const { code, output } = await refused();
    server.close();
    expect(code).toBe(1);
    expect(output).toBe(`Port ${port} is taken by another program.\nUse another one: npm start -- --port ${port + 1}\n`);
  });

  test("a folder that cannot be written", async () => {
    writeFileSync(data, "a file where the folder should be");
    const { code, output } = await refused();
    expect(code).toBe(1);
    expect(output).toMatch(/^The data folder .*data cannot be written \(.*\)\.\nUse another one: npm start -- --data DIR\n$/);
    rmSync(data);
  });

  test("a second start on the same data folder, while the first continues", async () => {
    const first = startVitrine();
    await agentStarts(1);
    port = await freePort();
    const { code, output } = await refused();
    expect(code).toBe(1);
    expect(output).toMatch(/^Vitrine already runs \(pid \d+\) on the data folder .*\.\nStop it there, or /);
    expect(first.process.exitCode).toBe(null);
  });

  test("no browser", async () => {
    const { code, output } = await refused([], { VITRINE_BROWSER: "/nonexistent/browser" });
    expect(code).toBe(1);
    expect(output).toContain("VITRINE_BROWSER names /nonexistent/browser, where there is no program.");
  });

  test("an unknown option", async () => {
    const { code, output } = await refused(["--device", "2"]);
    expect(code).toBe(2);
    expect(output).toBe("Unknown option '--device'\nnpm start -- --help lists the options.\n");
  });

  test("a cloud that does not start", async () => {
    writeFileSync(join(root, "scripts/dev-cloud/main.ts"), 'throw new Error("its database is damaged");');
    const { code, output } = await refused();
    expect(code).toBe(1);
    expect(output).toMatch(/The development cloud ended right after its start\.\n[\s\S]*its database is damaged/);
  });
});

function startVitrine(...args: string[]): Started {
  return startWith([...args], {});
}

function startWith(args: readonly string[], env: Readonly<Record<string, string>>): Started {
  const all = ["--input-type=module-typescript", "-e", RUNNER, "--", "--headless", "--port", String(port), "--data", data, ...args];
  const child = spawn(process.execPath, all, {
    env: { ...process.env, TEST_ROOT: root, VITRINE_BROWSER: join(root, "browser"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  const run = { process: child, output: () => output, code };
  started.push(run);
  return run;
}

async function refused(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; output: string }> {
  const run = startWith(args, env);
  return { code: await run.code, output: run.output() };
}

function device(name: string): string {
  return join(data, "devices", name);
}

function lines(name: string, what: "agent" | "player"): string[] {
  const file = join(device(name), `${what}.starts`);
  // Empty when its process was killed between opening the file and writing to it.
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter((line) => line !== "") : [];
}

function agentStarts(count: number): Promise<void> {
  return vi.waitFor(() => expect(lines("1", "agent").length).toBeGreaterThanOrEqual(count), WAIT);
}

function order(what: string, name = "1"): void {
  mkdirSync(device(name), { recursive: true });
  // Written atomically, because the agent watches for it.
  writeFileSync(join(device(name), "do.new"), what);
  renameSync(join(device(name), "do.new"), join(device(name), "do"));
}

/** Every process noted by an agent or a player host, and the player's children. */
function pidsStarted(): number[] {
  const players = ["1", "2"].flatMap((name) => lines(name, "player")).flatMap((line) => line.split(" ").slice(0, 2).map(Number));
  return [...["1", "2"].flatMap((name) => lines(name, "agent")).map((line) => Number(line.split(" ")[0])), ...players];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    // No such process.
    return false;
  }
  // A zombie stays in the table until its new parent collects it.
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return !/\) Z /.test(stat);
}

/** Command lines of the process's descendants. */
function commandsBelow(pid: number): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [readFileSync(`/proc/${child}/cmdline`, "utf8").replaceAll("\0", " "), ...commandsBelow(child)]);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
