import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { InProcessLink } from "../contract/in-process-link.ts";
import type { LinkChannel } from "../contract/link-channel.ts";
import type { HostMessage } from "../contract/link-messages.ts";
import { AgentLink, ORDERLY_STOP, type LinkEvent } from "./agent-link.ts";

const HELLO: HostMessage = { t: "host-hello", version: 1, instance: "i", pid: 1, shell: "s" };
const GREETING = JSON.stringify({ t: "agent-hello", version: 1, context: { device: {}, config: {} }, scene: { kind: "blank" } });

let time: VirtualTime;
let way: InProcessLink;
let link: AgentLink;
let stop: AbortController;
let running: Promise<void>;
let events: LinkEvent[];
/** The agent's connections, and everything received on them. */
let channels: LinkChannel[];
let heard: string[];

beforeEach(() => {
  time = new VirtualTime();
  way = new InProcessLink();
  [stop, events, channels, heard] = [new AbortController(), [], [], []];
  link = new AgentLink({ open: (listener) => way.open(listener), hello: () => HELLO, timers: time, random: new SeededRandom(1), log: silentLog });
  link.onEvent((event) => void events.push(event));
});
afterEach(async () => {
  stop.abort();
  await running;
  expect(time.pending()).toEqual([]);
});

const listen = (): (() => void) =>
  way.listen((channel) => {
    channels.push(channel);
    return { line: (line) => void heard.push(line), ended: () => undefined };
  });
const say = (...lines: readonly string[]): void => {
  for (const line of lines) channels.at(-1)?.send(line);
};
const settle = (): Promise<void> => time.advance(0);
const start = async (): Promise<void> => {
  running = link.run(stop.signal);
  await settle();
};

test("the link greets, is greeted, carries messages both ways, and reconnects after the agent was gone", async () => {
  const leave = listen();
  await start();
  expect(link.send({ t: "page-state", state: {} })).toBe(false);
  expect(heard.map((line) => JSON.parse(line) as unknown)).toEqual([HELLO]);
  say(GREETING, JSON.stringify({ t: "page-stored", id: "e1" }));
  await settle();
  expect(events).toMatchObject([{ kind: "connected", hello: { scene: { kind: "blank" } } }, { kind: "message", message: { t: "page-stored", id: "e1" } }]);
  expect(link.send({ t: "page-state", state: { a: 1 } })).toBe(true);
  leave();
  await settle();
  expect(events.at(-1)).toEqual({ kind: "disconnected", why: "the agent closed the link" });
  expect([link.connected, link.send({ t: "page-state", state: {} })]).toEqual([false, false]);
  await time.advance(60_000);
  listen();
  await time.advance(5_000);
  say(GREETING);
  await settle();
  expect([link.connected, events.at(-1)?.kind]).toEqual([true, "connected"]);
});

test("the link ignores unknown and malformed lines, and everything before the greeting", async () => {
  listen();
  await start();
  say(JSON.stringify({ t: "scene", scene: { kind: "blank" } }), "{broken", '{"t":"page-from-the-future"}', "", GREETING);
  say('{"t":"scene","scene":{"kind":"surprise"}}', JSON.stringify({ t: "gpio", line: "a", level: 1 }));
  await settle();
  expect(events).toMatchObject([{ kind: "connected" }, { kind: "message", message: { t: "gpio" } }]);
});

test("the link does not send a message that is too long for a line, and keeps the connection", async () => {
  listen();
  await start();
  say(GREETING);
  await settle();
  // In bytes, not in characters.
  expect(link.send({ t: "page-state", state: { a: "ö".repeat(600 * 1024) } })).toBe(false);
  expect(link.send({ t: "page-state", state: {} })).toBe(true);
});

test("the link leaves an agent that sends no hello for ten seconds, and retries", async () => {
  listen();
  await start();
  await time.advance(9_000);
  expect(channels).toHaveLength(1);
  await time.advance(3_000);
  expect(channels).toHaveLength(2);
  expect(events).toEqual([]);
});

test.each([["in an orderly stop", 2, ORDERLY_STOP], ["for another reason", 1, undefined]])("a host that ends %s sends %i messages", async (_how, count, reason) => {
  listen();
  await start();
  say(GREETING);
  await settle();
  stop.abort(reason);
  await settle();
  expect(heard.map((line) => JSON.parse(line) as unknown)).toEqual([HELLO, { t: "host-goodbye" }].slice(0, count));
});
