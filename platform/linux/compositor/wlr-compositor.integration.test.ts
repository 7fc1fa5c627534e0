import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { fail, ok } from "../../ports/result.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { runForBytes } from "../command-runner.ts";
import { SystemTimers } from "../system-clock.ts";
import { SESSION_DEADLINE_MS } from "./wayland-session.ts";
import { encodeMessage, splitMessages } from "./wayland-wire.ts";
import { WlrCompositor, type WlrCompositorDeps } from "./wlr-compositor.ts";

let folder: string;
let socketPath: string;
let server: Server | undefined;
const sockets = new Set<Socket>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "compositor-"));
  socketPath = join(folder, "wayland-0");
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  rmSync(folder, { recursive: true });
});

/** A stand-in for what a compositor can do wrong; the real ones are in `scripts/compositor`. */
async function listen(answer: (socket: Socket, data: Buffer) => void): Promise<void> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => answer(socket, data));
  });
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
}

function open(deps: Partial<WlrCompositorDeps> = {}): WlrCompositor {
  return new WlrCompositor({ socketPath, clock: new VirtualTime(), timers: new SystemTimers(), ...deps });
}

/** Answers every `wl_display.sync` and lists the given globals. */
function polite(globals: readonly string[]) {
  return (socket: Socket, data: Buffer): void => {
    for (const { object, opcode, body } of splitMessages(data)?.messages ?? []) {
      const id = body.byteLength >= 4 ? body.getUint32(0, true) : 0;
      if (object === 1 && opcode === 1) for (const [index, name] of globals.entries()) socket.write(encodeMessage(id, 0, [index + 1, name, 4]));
      if (object === 1 && opcode === 0) socket.write(encodeMessage(id, 0, [0]));
    }
  };
}

test("without a socket, and with one that nobody listens to, the compositor is gone", async () => {
  expect(await open().outputs()).toMatchObject({ ok: false, error: { code: "compositor.gone", message: expect.stringContaining(socketPath) as string } });
  // A compositor that was killed leaves its socket behind.
  spawnSync(process.execPath, ["-e", `require("net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, "SIGKILL"))`]);
  expect(await open().outputs()).toMatchObject({ ok: false, error: { code: "compositor.gone" } });
});

test("a compositor that ends in the middle of a call is gone, and the next one is reached", async () => {
  await listen((socket) => socket.destroy());
  const compositor = open();
  expect(await compositor.setPower("HDMI-A-1", "off")).toMatchObject({ ok: false, error: { code: "compositor.gone" } });
  await new Promise((resolve) => server?.close(resolve));
  await listen(polite([]));
  expect(await compositor.outputs()).toEqual({ ok: true, value: [] });
});

test("a compositor that hangs costs the deadline and no more, and its connection is closed", async () => {
  const time = new VirtualTime();
  let connected = (): void => {};
  const asked = new Promise<void>((resolve) => (connected = resolve));
  await listen(() => connected());
  const answer = open({ timers: time }).outputs();
  await asked;
  await time.advance(SESSION_DEADLINE_MS);
  expect(await answer).toMatchObject({ ok: false, error: { code: "compositor.timed-out" } });
  expect(time.pending()).toEqual([]);
  const [socket] = sockets;
  if (socket?.closed === false) await new Promise((resolve) => socket.once("close", resolve));
  expect(socket?.closed).toBe(true);
});

test.each([
  ["another protocol", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["a message that is too short", Buffer.from(encodeMessage(2, 0, [1]))],
  ["a string that is too long", Buffer.from(encodeMessage(2, 0, [1, 4_000, 1]))],
  ["a refusal of the protocol", Buffer.from(encodeMessage(1, 0, [2, 3, "invalid version"]))],
  ["megabytes", Buffer.concat(Array.from({ length: 20_000 }, () => encodeMessage(9, 0, ["x".repeat(60)])))],
])("%s is a bad answer", async (_what, bytes) => {
  await listen((socket) => void socket.write(bytes));
  expect(await open().outputs()).toMatchObject({ ok: false, error: { code: "compositor.bad-answer" } });
});

test("a compositor without output management and output power says so", async () => {
  await listen(polite(["wl_compositor"]));
  expect(await open().outputs()).toEqual({ ok: true, value: [] });
  expect(await open().setOrientation("HDMI-A-1", 90)).toMatchObject({ ok: false, error: { code: "compositor.no-such-output" } });
  expect(await open().capture()).toMatchObject({ ok: false, error: { code: "compositor.output-disabled" } });
});

describe("an output that lists modes", () => {
  const [MANAGER, HEAD, FIRST_MODE] = [0x10, 0xff000001, 0xff000010];
  const MODES = [[1_920, 1_080, 60_000], [1_920, 1_080, 59_940], [3_840, 2_160, 30_000]] as const;

  /** The compositor's output manager with one output; returns the requests that change it, as opcode and arguments. */
  async function listenAsManager({ modes, maker, preferred }: { readonly modes: readonly (readonly [number, number, number])[]; readonly maker: string; readonly preferred: boolean }): Promise<number[][]> {
    const requests: number[][] = [];
    let [manager, configuration, configured] = [MANAGER, 0, 0];
    await listen((socket, data) => {
      const say = (object: number, opcode: number, ...args: readonly (number | string)[]): void => void socket.write(encodeMessage(object, opcode, args));
      for (const { object, opcode, body } of splitMessages(data)?.messages ?? []) {
        const words = Array.from({ length: body.byteLength / 4 }, (_, index) => body.getInt32(index * 4, true));
        const id = words.at(-1) ?? 0;
        if (object === 1 && opcode === 1) say(id, 0, 1, "zwlr_output_manager_v1", 4);
        if (object === 2) {
          manager = id;
          say(manager, 0, HEAD);
          say(HEAD, 0, "HDMI-A-1");
          for (const [index, [width, height, mhz]] of modes.entries()) {
            say(HEAD, 3, FIRST_MODE + index);
            say(FIRST_MODE + index, 0, width, height);
            say(FIRST_MODE + index, 1, mhz);
          }
          if (preferred) say(FIRST_MODE, 2);
          say(HEAD, 4, 1);
          say(HEAD, 5, FIRST_MODE);
          say(HEAD, 10, maker);
          say(manager, 1, 7);
        }
        if (object === manager && opcode === 0) configuration = words[0] ?? 0;
        if (object === configuration && opcode === 0) configured = words[0] ?? 0;
        if (object === configured) requests.push([opcode, ...words.map((word) => word >>> 0)]);
        if (object === configuration && opcode === 2) say(configuration, 0);
        if (object === 1 && opcode === 0) say(id, 0, 0);
      }
    });
    return requests;
  }

  test("reports them, and is given the nearest one less than 1 Hz away", async () => {
    const requests = await listenAsManager({ modes: MODES, maker: "VIT", preferred: true });
    const compositor = open();
    expect(await compositor.outputs()).toMatchObject({ value: [{ mode: { value: { width: 1_920, height: 1_080, refreshHz: 60 } }, modes: MODES.map(([width, height, mhz]) => ({ width, height, refreshHz: mhz / 1_000 })) }] });
    for (const [refreshHz, index] of [[60, 0], [59.95, 1], [60.9, 0]] as const) {
      expect(await compositor.setMode("HDMI-A-1", { width: 1_920, height: 1_080, refreshHz })).toEqual({ ok: true });
      expect(requests.at(-1)).toEqual([0, FIRST_MODE + index]);
    }
    expect(await compositor.setMode("HDMI-A-1", { width: 3_840, height: 2_160, refreshHz: 60 })).toMatchObject({ error: { code: "compositor.no-such-mode", hint: "it has 1920x1080@60, 1920x1080@59.94, 3840x2160@30" } });
    expect(requests).toHaveLength(3);
  });

  test.each([["names its maker", "VIT", false], ["has a preferred mode", "", true]])("is never given another mode, even if it lists one only and %s", async (_what, maker, preferred) => {
    const requests = await listenAsManager({ modes: MODES.slice(0, 1), maker, preferred });
    expect(await open().setMode("HDMI-A-1", { width: 1_280, height: 720, refreshHz: 60 })).toMatchObject({ error: { code: "compositor.no-such-mode" } });
    expect(requests).toEqual([]);
  });

  test("is taken for one without a list if it has no display: only the mode in use, by nobody, and preferred by nobody", async () => {
    const requests = await listenAsManager({ modes: MODES.slice(0, 1), maker: "", preferred: false });
    expect(await open().outputs()).toMatchObject({ value: [{ modes: [], mode: { value: { width: 1_920 } } }] });
    expect(await open().setMode("HDMI-A-1", { width: 1_280, height: 720, refreshHz: 59.94 })).toEqual({ ok: true });
    expect(requests).toEqual([[1, 1_280, 720, 59_940]]);
  });
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) reportLeftOut("a compositor's socket that another user may not use", "only root can act as another user");

describe.runIf(isRoot)("as another user", () => {
  test("a socket that this user may not use is no access", async () => {
    await listen(polite([]));
    chmodSync(folder, 0o755);
    chmodSync(socketPath, 0o700);
    const uid = process.geteuid?.() ?? 0;
    process.seteuid?.(61_236);
    try {
      expect(await open().outputs()).toMatchObject({ ok: false, error: { code: "compositor.no-access" } });
    } finally {
      process.seteuid?.(uid);
    }
  });
});

describe("the program that takes the picture", () => {
  /** wl_output (interface at 1) that is called HDMI-A-1. */
  const oneOutput = (socket: Socket, data: Buffer): void => {
    polite(["wl_output"])(socket, data);
    for (const { object, opcode, body } of splitMessages(data)?.messages ?? []) {
      if (object !== 2 || opcode !== 0) continue;
      const id = body.getUint32(body.byteLength - 4, true);
      socket.write(encodeMessage(id, 4, ["HDMI-A-1"]));
    }
  };
  const program = (text: string): string => {
    const path = join(folder, "grim");
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };
  const limits = { timeoutMs: 300, bytesMax: 1_000, environment: {} };

  test.each([
    ["a missing program", () => join(folder, "none"), "program.missing"],
    ["a program that hangs, with a child that hangs too", () => program("sleep 60 & wait"), "program.timed-out"],
    ["a program that fails", () => program("echo 'compositor does not support wlr-screencopy' >&2; exit 1"), "program.failed"],
    ["a program of another kind", () => program("echo usage"), "screenshot.bad-picture"],
    ["a picture that never ends", () => program("yes"), "program.failed"],
  ])("%s is told within its time", async (_what, make, code) => {
    await listen(oneOutput);
    const path = make();
    const taken = await open({ runGrim: (args) => runForBytes(path, args, limits) }).capture("HDMI-A-1");
    expect(taken).toMatchObject({ ok: false, error: { code } });
  });

  test("it is asked for the output by name, over the same socket", async () => {
    await listen(oneOutput);
    const calls: unknown[] = [];
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47]);
    const compositor = open({ runGrim: (args, environment) => { calls.push([args, environment]); return Promise.resolve(ok(png)); } });
    expect(await compositor.capture("HDMI-A-1")).toEqual({ ok: true, value: { png, source: "compositor HDMI-A-1" } });
    expect(await compositor.capture()).toEqual({ ok: true, value: { png, source: "compositor" } });
    expect(calls).toEqual([[["-o", "HDMI-A-1", "-t", "png", "-"], { WAYLAND_DISPLAY: socketPath }], [["-t", "png", "-"], { WAYLAND_DISPLAY: socketPath }]]);
  });

  test("it is not run for an output that does not exist", async () => {
    await listen(oneOutput);
    const compositor = open({ runGrim: () => Promise.resolve(fail("program.failed", "must not run")) });
    expect(await compositor.capture("DP-9")).toMatchObject({ ok: false, error: { code: "compositor.no-such-output" } });
  });
});
