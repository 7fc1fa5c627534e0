import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../platform/linux/system-clock.ts";
import { createJsonLog } from "../../platform/node/json-log.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { LineFramer } from "../../platform/runtime/line-framer.ts";
import type { AgentMessage, HostMessage } from "../../player-host/contract/link-messages.ts";
import { HostLink } from "../core/player/host-link.ts";
import type { PlayerEvent } from "../core/player/player-port.ts";
import { ProxySetting } from "./transport/proxy-setting.ts";
import { servePlayerSocket } from "./player-socket.ts";

let folder = "";
let path = "";
let stop = new AbortController();
let running: Promise<void> = Promise.resolve();
let link: HostLink;
const hosts: TestHost[] = [];

/** The player host's end of the socket. */
class TestHost {
  readonly got: AgentMessage[] = [];
  readonly socket: Socket;
  closed = false;
  constructor(socketPath: string, instance: string) {
    this.socket = connect(socketPath);
    const framer = new LineFramer(10_000_000);
    this.socket.on("data", (chunk: Buffer) => {
      for (const line of framer.push(chunk) ?? []) {
        const message = JSON.parse(line) as AgentMessage;
        this.got.push(message);
        if (message.t === "request" && message.request.do === "reload") {
          this.say({ t: "reply", id: message.id, reply: { ok: true, result: { loadedInMs: 5 } } });
        }
      }
    });
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("error", () => {
      this.closed = true;
    });
    this.say({ t: "host-hello", version: 1, instance, pid: 42, shell: "test 1" });
    hosts.push(this);
  }
  say(message: HostMessage): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-player-"));
  path = join(folder, "player.sock");
  stop = new AbortController();
  const timers = new SystemTimers();
  link = new HostLink({ clock: systemClock, timers, log: silentLog });
  running = servePlayerSocket({ path, link, timers }, stop.signal);
  await expect.poll(() => statSync(path, { throwIfNoEntry: false })?.isSocket()).toBe(true);
});
afterEach(async () => {
  for (const host of hosts.splice(0)) host.socket.destroy();
  stop.abort();
  await running;
  rmSync(folder, { recursive: true, force: true });
});

test("a connecting host gets the current scene and answers requests", async () => {
  link.setScene({ kind: "offline", message: "waiting" });
  const host = new TestHost(path, "a");
  await expect.poll(() => link.status().kind).toBe("present");
  await expect.poll(() => host.got[0]).toMatchObject({ t: "agent-hello", scene: { kind: "offline" } });
  expect(await link.request({ do: "reload", ignoreCache: false }, 5_000)).toEqual({ ok: true, value: { loadedInMs: 5 } });
});

test("a host gets the proxy settings when it connects and whenever they change", async () => {
  const proxy = new ProxySetting("http://one.site:3128", (now) => link.setWayOut(now === undefined ? {} : { proxy: now }));
  const host = new TestHost(path, "a");
  await expect.poll(() => host.got[0]).toMatchObject({ t: "agent-hello", wayOut: { proxy: "http://one.site:3128" } });
  proxy.set("http://two.site:3128");
  proxy.set("http://two.site:3128");
  proxy.set(undefined);
  await expect.poll(() => host.got.filter(({ t }) => t === "way-out")).toEqual([{ t: "way-out", wayOut: { proxy: "http://two.site:3128" } }, { t: "way-out", wayOut: {} }]);
});

test("a host's failure to write its log is known until it writes again", async () => {
  const host = new TestHost(path, "a");
  host.say({ t: "log-trouble", trouble: { code: "log.not-written", message: "the log /l is not written: ENOSPC" } });
  await expect.poll(() => link.status()).toMatchObject({ kind: "present", logTrouble: "the log /l is not written: ENOSPC" });
  host.say({ t: "log-trouble" });
  await expect.poll(() => "logTrouble" in link.status()).toBe(false);
});

test("the newest host is the player; the older connection is closed", async () => {
  const first = new TestHost(path, "a");
  await expect.poll(() => link.status()).toMatchObject({ kind: "present", instance: "a" });
  const second = new TestHost(path, "b");
  await expect.poll(() => link.status()).toMatchObject({ kind: "present", instance: "b" });
  await expect.poll(() => first.closed).toBe(true);
  expect(second.closed).toBe(false);
});

test("an open request fails when the host dies", async () => {
  const host = new TestHost(path, "a");
  await expect.poll(() => link.status().kind).toBe("present");
  const asked = link.request({ do: "clear-cache", storage: false }, 5_000);
  await expect.poll(() => host.got.some((message) => message.t === "request")).toBe(true);
  host.socket.destroy();
  expect(await asked).toMatchObject({ ok: false, error: { code: "player.gone" } });
  expect(link.status()).toMatchObject({ kind: "absent" });
  expect(await link.request({ do: "restart" }, 5_000)).toMatchObject({ ok: false, error: { code: "player.absent" } });
});

test("invalid lines are ignored, and later ones still count", async () => {
  const events: PlayerEvent[] = [];
  link.onEvent((event) => events.push(event));
  const host = new TestHost(path, "a");
  await expect.poll(() => link.status().kind).toBe("present");
  host.socket.write('not json\n{"t":"page-event"}\n[]\n{"t":"__proto__"}\n');
  host.say({ t: "page-event", id: "e1", name: "tapped" });
  await expect.poll(() => events).toEqual([{ t: "page-event", id: "e1", name: "tapped" }]);
});

test("an endless line only ends its own connection", async () => {
  const host = new TestHost(path, "a");
  await expect.poll(() => link.status().kind).toBe("present");
  host.socket.write("x".repeat(1_100_000));
  await expect.poll(() => host.closed).toBe(true);
  const next = new TestHost(path, "b");
  await expect.poll(() => link.status()).toMatchObject({ kind: "present", instance: "b" });
  expect(next.closed).toBe(false);
});

test("a flood of invalid lines causes few log lines, and the agent keeps answering others", async () => {
  const lines: string[] = [];
  const json = createJsonLog([{ write: (line: string) => void lines.push(line) }], "info", systemClock);
  const flooded = join(folder, "flooded.sock");
  const timers = new SystemTimers();
  const other = new HostLink({ clock: systemClock, timers, log: json.log });
  const serving = servePlayerSocket({ path: flooded, link: other, timers }, stop.signal);
  await expect.poll(() => statSync(flooded, { throwIfNoEntry: false })?.isSocket()).toBe(true);
  const host = new TestHost(flooded, "11111111");
  await expect.poll(() => host.got.some(({ t }) => t === "agent-hello")).toBe(true);
  const nonsense = '{"t":"nonsense"}\n'.repeat(2_000);
  for (let n = 0; n < 50; n += 1) host.socket.write(nonsense);
  // The flood is blocked in the sender: the event loop is free and nothing accumulates here.
  await expect.poll(() => host.socket.writableLength).toBeGreaterThan(0);
  await expect.poll(() => lines.length).toBeGreaterThan(0);
  expect(await Promise.race([new Promise((done) => setImmediate(() => done("free"))), serving])).toBe("free");
  expect(other.status().kind).toBe("present");
  json.tellLeftOut();
  expect(lines.filter((each) => each.includes("could not be used")).length).toBeLessThanOrEqual(40);
  expect(lines.some((each) => /"leftOut":\d{2,}/.test(each))).toBe(true);
});
