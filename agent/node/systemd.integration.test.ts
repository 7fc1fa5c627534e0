import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNative } from "../../platform/linux/kernel/native.ts";
import { SystemTimers } from "../../platform/linux/system-clock.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { reportSkipped } from "../../platform/ports/testing/bench.ts";
import { Systemd } from "./systemd.ts";

const hasNotify = process.platform === "linux" && existsSync("/usr/bin/systemd-notify");
if (!hasNotify) reportSkipped("notifications to systemd over a real socket", "there is no systemd-notify");

interface Socket {
  /** What came since the last call. */
  readonly said: () => readonly string[];
  readonly close: () => void;
}

/** A datagram socket as systemd has it, which Node cannot open. */
function notifySocket(path: string): Socket {
  type Call = (...args: unknown[]) => number;
  const koffi = createRequire(import.meta.url)(`@koromix/koffi-linux-${process.arch}`) as { load(path: null): { func(definition: string): Call } };
  const libc = koffi.load(null);
  const [socket, bind, recv] = ["int socket(int, int, int)", "int bind(int, void *, unsigned int)", "long recv(int, void *, unsigned long, int)"].map((definition) => libc.func(definition)) as [Call, Call, Call];
  // AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
  const fd = socket(1, 2 | 0o2000000 | 0o4000, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(1, 0);
  address.write(path, 2);
  if (fd < 0 || bind(fd, address, 110) !== 0) throw new Error(`no socket at ${path}`);
  const got: string[] = [];
  const native = openNative();
  const polling = native.ok ? native.value.poll(fd, ["readable"], () => {
    const message = Buffer.alloc(4_096);
    const size = Number(recv(fd, message, message.length, 0));
    if (size > 0) got.push(...message.toString("utf8", 0, size).trim().split("\n"));
  }) : undefined;
  if (polling?.ok !== true) throw new Error("the socket cannot be polled");
  return {
    said: () => got.splice(0),
    close: () => {
      polling.value();
      closeSync(fd);
    },
  };
}

describe.runIf(hasNotify)("systemd's notification socket", () => {
  let folder: string;
  let socket: Socket;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-notify-"));
    socket = notifySocket(join(folder, "notify"));
    process.env["NOTIFY_SOCKET"] = join(folder, "notify");
  });
  afterEach(() => {
    delete process.env["NOTIFY_SOCKET"];
    socket.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("gets readiness, a sign of life for each half of the timeout while the loops progress, none while they are stuck, and the end", async () => {
    const heard: string[] = [];
    const hears = (text: string): Promise<void> =>
      expect.poll(() => {
        heard.push(...socket.said());
        return heard.includes(text);
      }, { timeout: 30_000 }).toBe(true);
    let healthy = true;
    const env = { NOTIFY_SOCKET: join(folder, "notify"), WATCHDOG_USEC: "400000", WATCHDOG_PID: String(process.pid) };
    const systemd = new Systemd({ env, timers: new SystemTimers(), log: silentLog, healthy: () => healthy });
    systemd.ready();
    await hears("READY=1");
    await hears("WATCHDOG=1");
    heard.length = 0;
    await hears("WATCHDOG=1");
    healthy = false;
    systemd.stopping();
    await hears("STOPPING=1");
    const another = new Systemd({ env, timers: new SystemTimers(), log: silentLog, healthy: () => healthy });
    heard.length = 0;
    another.ready();
    await hears("READY=1");
    another.stopping();
    await hears("STOPPING=1");
    expect(heard).not.toContain("WATCHDOG=1");
  });
});

const isLinux = process.platform === "linux";
if (!isLinux) reportSkipped("the forced reset's script", "it needs Linux");

describe.runIf(isLinux)("vitrine-reset", () => {
  const script = join(import.meta.dirname, "../../scripts/systemd/vitrine-reset");

  test("syncs, remounts read-only and resets, in this order, after its delay", () => {
    const folder = mkdtempSync(join(tmpdir(), "vitrine-reset-"));
    try {
      const trigger = join(folder, "trigger");
      // The kernel takes one letter for each write; a pipe keeps them all.
      execFileSync("mkfifo", [trigger]);
      const said = execFileSync("bash", ["-c", `exec 3<>"$1"; "$2" 1 "$1" 2>/dev/null; printf x >&3; head -c 7 <&3`, "test", trigger, script], { encoding: "utf8", timeout: 60_000 });
      expect(said).toBe("s\nu\nb\nx");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("refuses anything but a number of seconds, and triggers nothing", () => {
    for (const wrong of ["", "soon", "1; reboot", "99999", "-1"]) expect(() => execFileSync(script, [wrong, "/dev/null"], { stdio: "pipe" })).toThrow(/usage/);
  });
});
