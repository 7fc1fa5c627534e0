import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemTimers } from "../../platform/linux/system-clock.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { LineFramer } from "../../platform/runtime/line-framer.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { HostMessage, StageScene } from "../contract/link-messages.ts";
import { AgentLink, type LinkEvent } from "./agent-link.ts";
import { PageSpool, type SpooledMessage } from "./page-spool.ts";
import { SceneStore } from "./scene-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vitrine-link-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const event = (n: number): SpooledMessage => ({ t: "page-event", id: `e${n}`, name: "x", data: { n } });
const play = (n: number): SpooledMessage => ({ t: "page-play", id: `p${n}`, play: { item: "a", n } });

describe("the page spool", () => {
  const open = async (bytesMax?: number): Promise<PageSpool> => {
    const spool = new PageSpool(join(folder, "player", "spool.jsonl"), silentLog, bytesMax);
    await spool.open();
    return spool;
  };

  test("a disk that lets nothing be read or written keeps nobody from starting, and takes again once it can", async () => {
    await writeFile(join(folder, "player"), "a file where the folder should be");
    const spool = await open();
    expect(await spool.append(play(1))).toMatchObject({ ok: false, error: { code: "spool.failed" } });
    await rm(join(folder, "player"));
    await mkdir(join(folder, "player"));
    expect(await spool.append(play(2))).toMatchObject({ ok: true });
    await spool.close();
    expect((await open()).waiting().map(({ id }) => id)).toEqual(["p2"]);
  });

  test("keeps what it took through a restart, in order, and forgets what the agent has", async () => {
    const spool = await open();
    const kept = await Promise.all([1, 2, 3, 4].flatMap((n) => [spool.append(event(n)), spool.append(play(n))]));
    expect(kept.every(({ ok }) => ok)).toBe(true);
    spool.remove("e1");
    spool.remove("p1");
    await spool.close();
    const again = await open();
    // Without a rewrite the two are still in the file: sent again, told apart by id.
    expect(again.waiting().map(({ id }) => id).slice(-6)).toEqual(["e2", "p2", "e3", "p3", "e4", "p4"]);
    for (const { id } of again.waiting()) again.remove(id);
    await again.close();
    await expect(stat(join(folder, "player", "spool.jsonl"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("takes nothing beyond its limit, says so, and has room again once the agent has stored something", async () => {
    const spool = await open(600);
    const results = await Promise.all(Array.from({ length: 20 }, (_v, n) => spool.append(play(n))));
    const taken = results.filter(({ ok }) => ok).length;
    expect(taken).toBeGreaterThan(5);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ error: { code: "spool.full" } });
    expect((await stat(join(folder, "player", "spool.jsonl"))).size).toBeLessThanOrEqual(600);
    for (let n = 0; n < taken; n++) spool.remove(`p${n}`);
    expect((await spool.append(play(99))).ok).toBe(true);
    expect(spool.waiting().map(({ id }) => id)).toEqual(["p99"]);
    await spool.close();
  });

  test("a torn end and foreign lines are dropped and counted; what is whole is kept", async () => {
    const spool = await open();
    await spool.append(play(1));
    await spool.append(play(2));
    await spool.close();
    const path = join(folder, "player", "spool.jsonl");
    await appendFile(path, `{"t":"reply"}\n{"t":"page-play","id":"p3","pl`);
    const again = new PageSpool(path, silentLog);
    expect(await again.open()).toEqual({ dropped: 2 });
    expect(again.waiting().map(({ id }) => id)).toEqual(["p1", "p2"]);
    expect((await readFile(path, "utf8")).split("\n")).toHaveLength(3);
    await again.close();
  });
});

describe("the kept scene", () => {
  const scene: StageScene = { kind: "offline", message: "m" };
  const path = (): string => join(folder, "player", "scene.json");

  test("is there after a restart", async () => {
    const store = new SceneStore(path(), silentLog);
    await store.save({ scene });
    await Promise.all([store.save({ scene: { kind: "blank" } }), store.save({ scene, context: { device: { id: "d" }, config: {} } })]);
    expect(await new SceneStore(path(), silentLog).load()).toEqual({ version: 1, scene, context: { device: { id: "d" }, config: {} } });
  });

  test("counts as none when it is missing, damaged or a folder", async () => {
    expect(await new SceneStore(path(), silentLog).load()).toEqual({ version: 1 });
    await new SceneStore(path(), silentLog).save({ scene });
    for (const text of ["", "{", '{"version":2}', '{"version":1,"scene":{"kind":"surprise"}}', "\0\0\0"]) {
      await writeFile(path(), text);
      expect(await new SceneStore(path(), silentLog).load()).toEqual({ version: 1 });
    }
    expect(await new SceneStore(folder, silentLog).load()).toEqual({ version: 1 });
  });
});

describe("the link", () => {
  let server: Server;
  let sockets: Socket[];
  let heard: string[];
  let stop: AbortController;
  let running: Promise<void> | undefined;
  const path = (): string => join(folder, "s.sock");

  beforeEach(async () => {
    sockets = [];
    heard = [];
    stop = new AbortController();
    await listen();
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await hangUp();
  });

  async function listen(): Promise<void> {
    server = createServer((socket) => {
      sockets.push(socket);
      const framer = new LineFramer(1024 * 1024);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => heard.push(...(framer.push(chunk) ?? [])));
    });
    await new Promise<void>((resolve) => server.listen(path(), () => resolve()));
  }
  async function hangUp(): Promise<void> {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  function start(): { link: AgentLink; events: LinkEvent[]; next: (kind: LinkEvent["kind"]) => Promise<LinkEvent> } {
    const events: LinkEvent[] = [];
    const hello: HostMessage = { t: "host-hello", version: 1, instance: "i", pid: 1, shell: "s" };
    const link = new AgentLink({ open: () => connect(path()), hello: () => hello, timers: new SystemTimers(), random: new SeededRandom(1), log: silentLog });
    const waiters: (() => void)[] = [];
    link.onEvent((happened) => {
      events.push(happened);
      for (const wake of waiters.splice(0)) wake();
    });
    running = link.run(stop.signal);
    const next = async (kind: LinkEvent["kind"]): Promise<LinkEvent> => {
      for (;;) {
        const at = events.findIndex((happened) => happened.kind === kind);
        if (at >= 0) return events.splice(0, at + 1)[at] as LinkEvent;
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
    };
    return { link, events, next };
  }
  const greeting = JSON.stringify({ t: "agent-hello", version: 1, context: { device: {}, config: {} }, scene: { kind: "blank" } });
  const connection = async (): Promise<Socket> => {
    while (sockets.length === 0 || heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return sockets.at(-1) as Socket;
  };

  test("greets, is greeted, carries messages both ways, and reconnects when the agent was gone", async () => {
    const { link, next } = start();
    expect(link.send({ t: "page-state", state: {} })).toBe(false);
    const socket = await connection();
    expect(JSON.parse(heard[0] ?? "")).toMatchObject({ t: "host-hello", instance: "i" });
    socket.write(`${greeting}\n${JSON.stringify({ t: "page-stored", id: "e1" })}\n`);
    expect(await next("connected")).toMatchObject({ hello: { scene: { kind: "blank" } } });
    expect(await next("message")).toMatchObject({ message: { t: "page-stored", id: "e1" } });
    expect(link.send({ t: "page-state", state: { a: 1 } })).toBe(true);
    await hangUp();
    await next("disconnected");
    expect(link.connected).toBe(false);
    heard = [];
    await listen();
    (await connection()).write(`${greeting}\n`);
    await next("connected");
    expect(link.connected).toBe(true);
  });

  test("unknown and malformed lines are passed over; nothing is taken before the greeting", async () => {
    const { next, events } = start();
    const socket = await connection();
    socket.write(`${JSON.stringify({ t: "scene", scene: { kind: "blank" } })}\n{broken\n{"t":"page-from-the-future"}\n\n${greeting}\n`);
    await next("connected");
    socket.write(`{"t":"scene","scene":{"kind":"surprise"}}\n${JSON.stringify({ t: "gpio", line: "a", level: 1 })}\n`);
    expect(await next("message")).toMatchObject({ message: { t: "gpio" } });
    expect(events).toEqual([]);
  });

  test("a line over the limit ends the connection, and another one is made", async () => {
    const { next } = start();
    const socket = await connection();
    socket.write(`${greeting}\n`);
    await next("connected");
    heard = [];
    socket.write("x".repeat(1024 * 1024 + 1));
    expect(await next("disconnected")).toMatchObject({ why: "the agent sent a line over 1048576 bytes" });
    (await connection()).write(`${greeting}\n`);
    await next("connected");
  });

  test("a message too long for a line is not sent and does not end the connection", async () => {
    const { link, next } = start();
    (await connection()).write(`${greeting}\n`);
    await next("connected");
    expect(link.send({ t: "page-state", state: { a: "x".repeat(1024 * 1024) } })).toBe(false);
    expect(link.send({ t: "page-state", state: {} })).toBe(true);
  });
});
