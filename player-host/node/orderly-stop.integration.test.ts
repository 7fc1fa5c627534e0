import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { orderlyStops } from "./orderly-stop.ts";

const CHILD = `
const { orderlyStops } = await import(${JSON.stringify(pathToFileURL(resolve(import.meta.dirname, "orderly-stop.ts")).href)});
const isOrderly = orderlyStops();
process.on("SIGTERM", (signal) => { console.log("orderly: " + isOrderly(signal)); process.exit(); });
setInterval(() => {}, 1_000);
console.log("child " + process.pid);
`;

const shells: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of shells.splice(0)) if (pid !== undefined) killGroup(pid);
});

/** Kills what is left of a shell's process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

/** A process that is the child of a shell, as the host is of its compositor. */
async function childOfShell() {
  // With a second command the shell does not turn into the child.
  const shell = spawn("/bin/sh", ["-c", '"$0" --input-type=module -e "$1"; :', process.execPath, CHILD], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  shells.push(shell);
  const said: string[] = [];
  let wake = (): void => {};
  shell.stdout.on("data", (chunk: Buffer) => {
    said.push(...chunk.toString().trim().split("\n"));
    wake();
  });
  const line = async (at: number): Promise<string> => {
    while (said[at] === undefined) await new Promise<void>((told) => (wake = told));
    return said[at];
  };
  return { shell, line, pid: Number((await line(0)).split(" ")[1]) };
}

test("a stop that reaches the host while its parent runs is orderly", async () => {
  const { line, pid } = await childOfShell();
  process.kill(pid, "SIGTERM");
  expect(await line(1)).toBe("orderly: true");
});

test("a stop after its parent died is not: systemd tidies up after a crash", async () => {
  const { shell, line, pid } = await childOfShell();
  shell.kill("SIGKILL");
  await once(shell, "exit");
  process.kill(pid, "SIGTERM");
  expect(await line(1)).toBe("orderly: false");
});

test("a closed terminal is no orderly stop", () => {
  expect(orderlyStops()("SIGHUP")).toBe(false);
});
