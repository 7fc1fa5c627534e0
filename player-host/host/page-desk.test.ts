import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import type { HostMessage } from "../contract/link-messages.ts";
import { PageSpool } from "./page-spool.ts";
import { PageGate } from "./page-gate.ts";
import { PageDesk } from "./page-desk.ts";
import { MemorySpool } from "./testing/memory-spool.ts";

describe("the page desk", () => {
  let time: VirtualTime;
  let spool: PageSpool;
  let desk: PageDesk;
  let gate: PageGate;
  let linked: boolean;
  let sent: HostMessage[];
  let toPage: { t: string; id?: number; ok?: boolean; code?: string; value?: unknown; config?: unknown }[];
  let toldPage: (() => void)[];

  beforeEach(async () => {
    time = new VirtualTime();
    spool = new PageSpool(new MemorySpool().open(), silentLog, 2_000);
    await spool.open();
    linked = true;
    sent = [];
    toPage = [];
    toldPage = [];
    let ids = 0;
    gate = new PageGate(time);
    desk = new PageDesk({
      gate,
      spool,
      send: (message) => {
        if (linked) sent.push(message);
        return linked;
      },
      sendToPage: (text) => {
        toPage.push(JSON.parse(text) as (typeof toPage)[number]);
        for (const wake of toldPage.splice(0)) wake();
      },
      newId: () => `i-${(ids += 1)}`,
      shellName: () => "test 1",
      timers: time,
      random: { next: () => 1, bytes: (count) => new Uint8Array(count) },
      log: silentLog,
    });
    desk.pageBegun("menu");
  });
  afterEach(async () => {
    desk.stop();
    await spool.close();
  });

  const call = (body: object): void => desk.takeCall(JSON.stringify(body));
  const emit = (id: number): void => call({ id, do: "emit", name: "x", data: { id } });
  const answered = async (id: number): Promise<(typeof toPage)[number]> => {
    for (;;) {
      const found = toPage.find((message) => message.t === "reply" && message.id === id);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => toldPage.push(resolve));
    }
  };

  test("answers with what it knows, and says when it knows nothing yet", () => {
    call({ id: 1, do: "device" });
    expect(toPage.pop()).toMatchObject({ id: 1, ok: false, code: "page.unavailable" });
    desk.setContext({ device: { id: "d1" }, config: { a: 1 } });
    gate.setGrants(["gpio"]);
    call({ id: 2, do: "device" });
    call({ id: 3, do: "config" });
    expect(toPage).toEqual([{ t: "reply", id: 2, ok: true, value: { id: "d1", shell: "test 1", grants: ["gpio"] } }, { t: "reply", id: 3, ok: true, value: { a: 1 } }]);
  });

  test("tells the page about a changed configuration, but not about an unchanged one", () => {
    desk.setContext({ device: {}, config: { a: 1, b: 2 } });
    desk.setContext({ device: { online: true }, config: { b: 2, a: 1 } });
    desk.setContext({ device: {}, config: { a: 3 } });
    expect(toPage).toEqual([{ t: "config", config: { a: 3 } }]);
  });

  test("answers an event once the agent has stored or refused it", () => {
    emit(1);
    emit(2);
    expect(toPage).toEqual([]);
    desk.takeAgentMessage({ t: "page-stored", id: "i-1" });
    desk.takeAgentMessage({ t: "page-stored", id: "i-2", code: "outbox.rate" });
    expect(toPage).toMatchObject([{ id: 1, ok: true }, { id: 2, ok: false, code: "outbox.rate" }]);
  });

  test("queues new messages behind older ones, and limits the number of unanswered ones", async () => {
    linked = false;
    emit(1);
    await answered(1);
    linked = true;
    desk.linkUp();
    emit(2);
    expect(await answered(2)).toMatchObject({ ok: true });
    expect(spool.waiting().map(({ id }) => id)).toEqual(["i-1", "i-2"]);
    expect(sent.map((message) => ("id" in message ? message.id : ""))).toEqual(["i-1", "i-2"]);
    desk.takeAgentMessage({ t: "page-stored", id: "i-1" });
    desk.takeAgentMessage({ t: "page-stored", id: "i-2" });
    emit(3);
    expect(spool.waiting()).toEqual([]);
    expect(sent.at(-1)).toMatchObject({ id: "i-3" });
  });

  test("spools and answers events while the agent is away, and later sends each with the same id until it is stored", async () => {
    emit(1);
    linked = false;
    desk.linkDown();
    emit(2);
    expect(await answered(1)).toMatchObject({ ok: true });
    expect(await answered(2)).toMatchObject({ ok: true });
    linked = true;
    sent = [];
    desk.linkUp();
    expect(sent.map((message) => ("id" in message ? message.id : ""))).toEqual(["i-1", "i-2"]);
    desk.takeAgentMessage({ t: "page-stored", id: "i-1" });
    expect(spool.waiting().map(({ id }) => id)).toEqual(["i-2"]);
    desk.linkUp();
    desk.takeAgentMessage({ t: "page-stored", id: "i-2" });
    expect(spool.waiting()).toEqual([]);
  });

  test("offers an answered event again while the agent has no room, and drops it if it will never be accepted", async () => {
    linked = false;
    emit(1);
    await answered(1);
    linked = true;
    desk.linkUp();
    sent = [];
    desk.takeAgentMessage({ t: "page-stored", id: "i-1", code: "outbox.full" });
    expect(spool.has("i-1")).toBe(true);
    expect(sent).toEqual([]);
    await time.advance(5_000);
    expect(sent).toMatchObject([{ t: "page-event", id: "i-1" }]);
    desk.takeAgentMessage({ t: "page-stored", id: "i-1", code: "outbox.too-large" });
    expect(spool.has("i-1")).toBe(false);
  });

  test("spools an event after ten seconds if the agent is there but does not answer", async () => {
    emit(1);
    await time.advance(10_000);
    expect(await answered(1)).toMatchObject({ ok: true });
    expect(spool.has("i-1")).toBe(true);
  });

  test("tells the page about a full spool and counts the event", async () => {
    linked = false;
    for (let id = 1; id <= 60; id++) emit(id);
    const answers = await Promise.all(Array.from({ length: 40 }, (_v, at) => answered(at + 1)));
    expect(answers.filter(({ ok }) => ok === true).length).toBeGreaterThan(5);
    expect(answers.find(({ ok }) => ok === false)).toMatchObject({ code: "page.unavailable" });
    linked = true;
    desk.reportRefusals();
    expect(sent).toContainEqual({ t: "page-refused", code: "page.unavailable", count: expect.any(Number) as number });
  });

  test("does not deliver an answer for the previous document to the next one", () => {
    emit(1);
    desk.pageBegun("menu");
    desk.takeAgentMessage({ t: "page-stored", id: "i-1" });
    expect(toPage).toEqual([]);
  });

  test("sends state to the agent, and again when the agent is back", () => {
    call({ id: 1, do: "report-state", state: { slide: 3 } });
    desk.linkUp();
    expect(sent).toEqual([{ t: "page-state", state: { slide: 3 } }, { t: "page-state", state: { slide: 3 } }]);
  });

  test("does not apply one content's own report to the next content or to none; the same content keeps it until its next report", () => {
    call({ id: 1, do: "report-state", state: { slide: 3 } });
    desk.pageBegun("menu");
    desk.linkUp();
    expect(sent.at(-1)).toEqual({ t: "page-state", state: { slide: 3 } });
    desk.pageBegun("other");
    expect(sent.at(-1)).toEqual({ t: "page-state" });
    const before = sent.length;
    desk.contentGone();
    desk.linkUp();
    expect(sent).toHaveLength(before);
    desk.pageBegun("other");
    call({ id: 2, do: "report-state", state: { slide: 1 } });
    desk.contentGone();
    expect(sent.slice(-2)).toEqual([{ t: "page-state", state: { slide: 1 } }, { t: "page-state" }]);
  });

  test("delivers GPIO edges only to a page with the grant that has asked for them", () => {
    desk.takeAgentMessage({ t: "gpio", line: "a", level: 1 });
    call({ id: 1, do: "watch-gpio" });
    expect(toPage.pop()).toMatchObject({ ok: false, code: "page.not-granted" });
    gate.setGrants(["gpio"]);
    call({ id: 2, do: "watch-gpio" });
    desk.takeAgentMessage({ t: "gpio", line: "a", level: 1 });
    expect(toPage.at(-1)).toEqual({ t: "gpio", line: "a", level: 1 });
    gate.setGrants([]);
    desk.takeAgentMessage({ t: "gpio", line: "a", level: 0 });
    expect(toPage.at(-1)).toMatchObject({ level: 1 });
  });

  test("answers a flood only a few times a second, but counts all of it", () => {
    for (let id = 1; id <= 1_000; id++) desk.takeCall(JSON.stringify({ id, do: "nonsense" }));
    expect(toPage.length).toBeLessThanOrEqual(20);
    desk.reportRefusals();
    const counted = sent.reduce((sum, message) => sum + (message.t === "page-refused" ? message.count : 0), 0);
    expect(counted).toBe(1_000);
  });
});
