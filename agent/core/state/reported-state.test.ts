import { describe, expect, test } from "vitest";
import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import { DeviceMessageSchema } from "../../protocol/device-messages.ts";
import type { ReportedDocument } from "../../protocol/reported.ts";
import * as v from "valibot";
import { silentLog } from "../../../platform/ports/log.ts";
import { mergePatch, type Json } from "../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { ACK_TIMEOUT_MS, ReportedState, SECTION_BYTES_MAX } from "./reported-state.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { VERSION_BLOCK } from "./version-block.ts";

type Report = DeviceMessageOf<"reported">;

async function setUp(options: { store?: MemoryDocumentStore; seed?: string } = {}) {
  const time = new VirtualTime();
  const store = options.store ?? new MemoryDocumentStore();
  const sent: { atMs: number; message: Report }[] = [];
  const link = { open: true };
  const state = await ReportedState.load({
    store,
    clock: time,
    timers: time,
    random: new SeededRandom(options.seed ?? "reported"),
    log: silentLog,
    send: (message) => {
      if (!link.open) return false;
      expect(v.safeParse(DeviceMessageSchema, message).success).toBe(true);
      sent.push({ atMs: time.monotonicMs(), message });
      return true;
    },
  });
  return { time, store, sent, link, state };
}

const screen = (verdict: "showing" | "dark"): ReportedDocument["screen"] => ({ verdict, confidence: 1, sinceMs: 1, evidence: [] });
const last = (sent: readonly { message: Report }[]): Report => {
  const entry = sent.at(-1);
  if (entry === undefined) throw new Error("nothing was sent");
  return entry.message;
};

describe("reported state", () => {
  test("sends the whole document after a start, then patches against the acknowledged version", async () => {
    const { time, sent, state } = await setUp();
    state.set("page", { a: 1, long: "x".repeat(500) });
    state.onWelcome(0, []);
    await time.advance(300);
    expect(sent.map(({ message }) => message.base)).toEqual([undefined]);
    state.onAck(last(sent).version);
    state.set("page", { a: 2, long: "x".repeat(500) });
    await time.advance(2_000);
    expect(last(sent)).toEqual({ t: "reported", version: 2, base: 1, document: { page: { a: 2 } } });
  });

  test("gathers changes briefly, sends equal values once, and keeps the minimum time between reports", async () => {
    const { time, sent, state } = await setUp();
    state.set("gpio", { GPIO5: 0 });
    state.onWelcome(0, []);
    await time.advance(5_000);
    state.onAck(1);
    const fromMs = time.monotonicMs();
    state.set("gpio", { GPIO5: 1 });
    await time.advance(100);
    state.set("gpio", { GPIO5: 1, GPIO6: 1 });
    state.set("gpio", { GPIO6: 1, GPIO5: 1 });
    await time.advance(150);
    expect(sent.map(({ atMs }) => atMs - fromMs).filter((ms) => ms > 0)).toEqual([250]);
    state.onAck(2);
    state.set("gpio", { GPIO5: 0 });
    await time.advance(1_000);
    expect(sent.map(({ atMs }) => atMs - fromMs).filter((ms) => ms > 0)).toEqual([250, 1_250]);
  });

  test("a changed verdict is sent at once as a whole document, even while a report is in flight", async () => {
    const { time, sent, state } = await setUp();
    state.set("screen", screen("showing"));
    state.onWelcome(0, []);
    await time.advance(1);
    state.set("screen", screen("dark"));
    await time.advance(100);
    expect(sent.map(({ message }) => [message.version, message.base])).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    state.onAck(1);
    state.onAck(2);
    await time.advance(60_000);
    expect(sent).toHaveLength(2);
  });

  test("a flapping witness cannot flood the link", async () => {
    const { time, sent, state } = await setUp();
    state.onWelcome(0, []);
    for (let i = 0; i < 500; i++) {
      state.set("screen", screen(i % 2 === 0 ? "dark" : "showing"));
      await time.advance(2);
    }
    expect(sent.length).toBeLessThanOrEqual(11);
  });

  test("a mismatched acknowledgement makes it send the whole document, with growing delays", async () => {
    const { time, sent, state } = await setUp();
    state.set("page", { a: 1 });
    state.onWelcome(0, []);
    await time.advance(300);
    for (let i = 0; i < 50; i++) {
      state.onAck(900);
      await time.advance(10_000);
    }
    expect(sent.every(({ message }) => message.base === undefined)).toBe(true);
    expect(sent.length).toBeLessThan(20);
    expect(last(sent).version).toBeGreaterThan(900);
  });

  test("an unacknowledged report is sent again as a whole document", async () => {
    const { time, sent, state } = await setUp();
    state.set("page", { a: 1 });
    state.onWelcome(0, []);
    await time.advance(300);
    await time.advance(ACK_TIMEOUT_MS + 3_000);
    expect(sent.map(({ message }) => message.version)).toEqual([1, 2]);
    await time.advance(3_600_000);
    expect(sent.length).toBeLessThan(40);
  });

  test("after a reconnect it patches against the version in the welcome, acknowledged or not", async () => {
    const { time, sent, state } = await setUp();
    state.set("page", { a: 1, long: "x".repeat(200) });
    state.onWelcome(0, []);
    await time.advance(300);
    state.onOffline();
    state.set("page", { a: 2, long: "x".repeat(200) });
    await time.advance(60_000);
    expect(sent).toHaveLength(1);
    state.onWelcome(1, []);
    await time.advance(300);
    expect(last(sent)).toEqual({ t: "reported", version: 2, base: 1, document: { page: { a: 2 } } });
    state.onOffline();
    state.onWelcome(2, []);
    await time.advance(60_000);
    expect(sent).toHaveLength(2);
    state.onOffline();
    state.onWelcome(2, ["reported"]);
    await time.advance(300);
    expect(last(sent).base).toBeUndefined();
  });

  test("versions are never reused, despite restarts and a cloud that is ahead", async () => {
    const store = new MemoryDocumentStore();
    const seen = new Set<number>();
    for (let start = 0; start < 5; start++) {
      const { time, sent, state } = await setUp({ store });
      state.onWelcome(start === 3 ? 100_000 : 0, []);
      for (let i = 0; i < 200; i++) {
        state.set("page", { start, i });
        await time.advance(1_100);
        state.onAck(last(sent).version);
      }
      for (const { message } of sent) {
        expect(seen.has(message.version)).toBe(false);
        seen.add(message.version);
      }
    }
    expect(Math.max(...seen)).toBeGreaterThan(100_000);
    // One write at the start and one per half block, not one per report.
    expect(store.puts).toBeLessThan(5 * (2 + 200 / (VERSION_BLOCK / 2)) + 2);
  });

  test("a full disk does not stop reports", async () => {
    const store = new MemoryDocumentStore();
    store.failWith = "storage.full";
    const { time, sent, state } = await setUp({ store });
    state.set("page", { a: 1 });
    state.onWelcome(41, []);
    await time.advance(300);
    expect(last(sent).version).toBe(42);
  });

  test("a link that accepts nothing is retried with growing delays, and finally gets the document", async () => {
    const { time, sent, link, state } = await setUp();
    link.open = false;
    state.set("page", { a: 1 });
    state.onWelcome(0, []);
    await time.advance(60_000);
    link.open = true;
    for (let i = 0; i < 300 && sent.length === 0; i++) await time.advance(1_000);
    expect(sent.map(({ message }) => [message.version, message.document])).toEqual([[1, { page: { a: 1 } }]]);
  });

  test("a section that is too large or too deep is left out, and nulls cannot delete by accident", async () => {
    const { state } = await setUp();
    state.set("page", { kept: { inner: null, list: [null, { deep: null }] } as unknown as Json });
    expect(state.document()).toEqual({ page: { kept: { list: [null, { deep: null }] } } });
    state.set("page", { text: "x".repeat(SECTION_BYTES_MAX) });
    expect(state.document()).toEqual({});
    let deep: Json = 1;
    for (let i = 0; i < 20_000; i++) deep = [deep];
    state.set("page", { deep });
    expect(state.document()).toEqual({});
    expect(state.refusedSections()).toBe(2);
    state.set("page", JSON.parse('{"__proto__":{"polluted":true},"toString":"x"}') as ReportedDocument["page"]);
    expect(Object.keys(state.document().page ?? {})).toEqual(["toString"]);
  });

  test("the cloud rebuilds the document from the messages, whichever of them are lost", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(`lossy ${seed}`);
      const { time, sent, state } = await setUp({ seed: String(seed) });
      let cloud: { version: number; document: Json } = { version: 0, document: {} };
      let taken = 0;
      state.onWelcome(0, []);
      for (let i = 0; i < 200; i++) {
        const section = random.chance(0.5) ? "page" : "gpio";
        state.set(section, random.chance(0.2) ? undefined : ({ [`k${random.integer(0, 3)}`]: random.integer(0, 1) }));
        await time.advance(random.integer(0, 2_000));
        while (taken < sent.length) {
          const message = sent[taken++]?.message;
          if (message === undefined || random.chance(0.2)) continue;
          if (message.base === undefined) cloud = { version: message.version, document: message.document };
          else if (message.base === cloud.version) cloud = { version: message.version, document: mergePatch(cloud.document, message.document) };
          if (!random.chance(0.2)) state.onAck(cloud.version);
        }
        if (random.chance(0.05)) {
          state.onOffline();
          state.onWelcome(cloud.version, []);
        }
      }
      for (let i = 0; i < 60; i++) {
        await time.advance(10_000);
        while (taken < sent.length) {
          const message = sent[taken++]?.message;
          if (message === undefined) continue;
          if (message.base === undefined) cloud = { version: message.version, document: message.document };
          else if (message.base === cloud.version) cloud = { version: message.version, document: mergePatch(cloud.document, message.document) };
          state.onAck(cloud.version);
        }
      }
      expect(cloud.document).toEqual(state.document());
    }
  });
});
