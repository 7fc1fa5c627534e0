import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportSkipped } from "../../ports/testing/bench.ts";
import { openNative } from "./native.ts";

const LIMIT_S = 1;
/** Ends a process that the limit did not end. */
const GUARD_MS = 15_000;
const MODULE = JSON.stringify(join(import.meta.dirname, "limited-exit.ts"));

const canCall = openNative().ok;
if (!canCall) reportSkipped("the limit of an exit in which a thread hangs", "the native library has no binary for this machine");

describe.runIf(canCall)("the exit of a process", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-exit-"));
    execFileSync("mkfifo", [join(folder, "hangs")]);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** How a program ends that limits its exit. */
  const endOf = async (program: string): Promise<readonly unknown[]> => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", `import { open } from "node:fs"; import { limitExit } from ${MODULE}; limitExit(${LIMIT_S}); ${program}`], { cwd: folder, stdio: "ignore" });
    const guard = setTimeout(() => child.kill("SIGKILL"), GUARD_MS);
    const end: readonly unknown[] = await once(child, "exit");
    clearTimeout(guard);
    return end;
  };
  /** Opens a pipe that nobody writes to: a thread of the pool waits for ever, as one does in a driver. */
  const HANG = 'open("hangs", "r", () => {});';

  test.each([
    ["asked for", "setTimeout(() => process.exit(3), 300)"],
    ["by an exception", 'setTimeout(() => { throw new Error("a bug"); }, 300)'],
  ])("%s ends although a thread of the pool hangs", async (_how, program) => {
    expect(await endOf(`${HANG} ${program}`)).toEqual([null, "SIGALRM"]);
  });

  test("in which nothing hangs keeps its exit code", async () => {
    expect(await endOf("setTimeout(() => process.exit(3), 300)")).toEqual([3, null]);
  });
});
