import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNative, type Native } from "./native.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";

/** Asks for the number of readable bytes (asm-generic/ioctls.h). */
const FIONREAD = 0x541b;

if (process.platform !== "linux") reportLeftOut("system calls through the native library", `they need Linux, and this machine runs ${process.platform}`);
describe.runIf(process.platform === "linux")("system calls that Node has no function for", () => {
  let folder: string;
  let fd: number;
  let native: Native;
  beforeEach(() => {
    const opened = openNative();
    if (!opened.ok) throw new Error(opened.error.message);
    native = opened.value;
    folder = mkdtempSync(join(tmpdir(), "native-"));
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  test("an ioctl returns what the kernel wrote", async () => {
    writeSync(fd, "12345");
    const answer = Buffer.alloc(4);
    expect(await native.ioctl(fd, FIONREAD, answer)).toEqual({ ok: true, value: 0 });
    expect(answer.readInt32LE()).toBe(5);
  });

  test("a refused ioctl names its error, also among calls that succeed at the same time", async () => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, index) => native.ioctl(index % 2 === 0 ? fd : 9_999, FIONREAD, Buffer.alloc(4))));
    expect(results.filter((result) => result.ok)).toHaveLength(20);
    expect(results.filter((result) => !result.ok && result.error.name === "EBADF")).toHaveLength(20);
  });

  test("poll reports readiness in the event loop until it is stopped", async () => {
    const heard: string[] = [];
    let wake = (): void => {};
    const polling = native.poll(fd, ["readable"], () => {
      const buffer = Buffer.alloc(16);
      heard.push(buffer.toString("latin1", 0, readSync(fd, buffer)));
      wake();
    });
    if (!polling.ok) throw new Error(polling.error.name);
    const stop = polling.value;
    for (const text of ["a", "b", "c"]) {
      const told = new Promise<void>((resolve) => (wake = resolve));
      writeSync(fd, text);
      await told;
    }
    stop();
    stop();
    writeSync(fd, "d");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual(["a", "b", "c"]);
  });

  test("waiting occupies no thread of Node's pool", async () => {
    const stops = Array.from({ length: 8 }, () => native.poll(openSync(join(folder, "pipe"), constants.O_RDWR | constants.O_NONBLOCK), ["priority"], () => {}));
    expect(await native.ioctl(fd, FIONREAD, Buffer.alloc(4))).toEqual({ ok: true, value: 0 });
    for (const stop of stops) if (stop.ok) stop.value();
    expect(stops.every(({ ok }) => ok)).toBe(true);
  });

  test("what cannot be waited for is refused with its error", () => {
    const file = openSync(import.meta.filename, "r");
    expect(native.poll(file, ["readable"], () => {})).toEqual({ ok: false, error: { name: "EPERM" } });
    closeSync(file);
  });

  test("an exception in the callback reaches Node like any other and does not kill the process silently", async () => {
    const program = `
      import { openNative } from ${JSON.stringify(join(import.meta.dirname, "native.ts"))};
      import { openSync, writeSync } from "node:fs";
      process.on("uncaughtException", (error) => { console.log("caught", error.message); process.exit(3); });
      const fd = openSync(${JSON.stringify(join(folder, "pipe"))}, ${constants.O_RDWR | constants.O_NONBLOCK});
      openNative().value.poll(fd, ["readable"], () => { throw new Error("on purpose"); });
      writeSync(fd, "x");
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, output]).toEqual([3, "caught on purpose\n"]);
  });
});
