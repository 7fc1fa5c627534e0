import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { CdpClient } from "./cdp-client.ts";

const MEBIBYTE = Buffer.alloc(1024 * 1024, "x");

function setUp() {
  const toBrowser = new PassThrough();
  const fromBrowser = new PassThrough();
  const time = new VirtualTime();
  const cdp = new CdpClient({ toBrowser, fromBrowser }, { timers: time, log: silentLog });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const say = async (...messages: object[]): Promise<void> => {
    fromBrowser.write(messages.map((message) => `${JSON.stringify(message)}\0`).join(""));
    await turn();
  };
  /** A message with the given number of MiB in its middle, in pipe-sized chunks. */
  const pour = async (start: string, mebibytes: number, end: string): Promise<void> => {
    fromBrowser.write(start);
    for (let poured = 0; poured < mebibytes; poured += 1) fromBrowser.write(MEBIBYTE);
    fromBrowser.write(`${end}\0`);
    await turn();
  };
  return { cdp, toBrowser, fromBrowser, time, say, pour, turn };
}

describe("the DevTools client", () => {
  test("matches answers to calls by id, in any order", async () => {
    const { cdp, toBrowser, say } = setUp();
    const first = cdp.call("Browser.getVersion", undefined);
    const second = cdp.call("Page.reload", {}, { sessionId: "s" });
    const sent = (toBrowser.read() as Buffer).toString().split("\0").filter(Boolean).map((text) => JSON.parse(text) as unknown);
    expect(sent).toEqual([{ id: 1, method: "Browser.getVersion", params: {} }, { id: 2, method: "Page.reload", params: {}, sessionId: "s" }]);
    await say({ id: 2, result: {} }, { id: 1, result: { product: "Chrome/1" } }, { id: 99, result: {} });
    expect(await first).toEqual({ product: "Chrome/1" });
    expect(await second).toEqual({});
  });

  test("ends a call without an answer at its deadline and ignores a late answer", async () => {
    const { cdp, time, say } = setUp();
    const call = cdp.call("Page.reload", {}, { timeoutMs: 500 });
    const outcome = call.catch((error: { kind: string }) => error.kind);
    await time.advance(500);
    expect(await outcome).toBe("timeout");
    await say({ id: 1, result: {} });
    expect(time.pending()).toEqual([]);
  });

  test("fails the call when the browser refuses it or the pipe ends", async () => {
    const { cdp, fromBrowser, say, turn } = setUp();
    const refused = cdp.call("Page.reload", {}).catch((error: Error) => error.message);
    await say({ id: 1, error: { message: "no" } });
    expect(await refused).toBe("Page.reload: no");
    const open = cdp.call("Page.reload", {}).catch((error: { kind: string }) => error.kind);
    const ends: string[] = [];
    cdp.onClosed((why) => ends.push(why));
    fromBrowser.destroy();
    await turn();
    expect(await open).toBe("closed");
    expect(ends).toHaveLength(1);
    await expect(cdp.call("Page.reload", {})).rejects.toMatchObject({ kind: "closed" });
  });

  test("delivers events to the listeners of their session, even if one throws", async () => {
    const { cdp, say } = setUp();
    const heard: unknown[] = [];
    cdp.on("Page.loadEventFired", "s", () => {
      throw new Error("a bug");
    });
    const off = cdp.on("Page.loadEventFired", "s", (params) => heard.push(params));
    await say({ method: "Page.loadEventFired", params: { timestamp: 1 }, sessionId: "s" }, { method: "Page.loadEventFired", params: { timestamp: 2 }, sessionId: "other" });
    off();
    await say({ method: "Page.loadEventFired", params: { timestamp: 3 }, sessionId: "s" });
    expect(heard).toEqual([{ timestamp: 1 }]);
  });

  test("skips a message that is not JSON and reads the next one", async () => {
    const { cdp, fromBrowser, say } = setUp();
    const answer = cdp.call("Page.reload", {});
    fromBrowser.write("{not json\0");
    await say({ id: 1, result: {} });
    expect(await answer).toEqual({});
  });

  test("skips a page text that is too long and reads the next message", async () => {
    const { cdp, say, pour, heard, oversized } = listening();
    await pour('{"method":"Runtime.consoleAPICalled","params":{"type":"error","args":[{"type":"string","value":"', 100, '"}]},"sessionId":"s"}');
    await say(consoleText(300 * 1024), consoleText(1_000));
    expect(heard).toEqual([1_000]);
    expect(oversized).toEqual(["Runtime.consoleAPICalled", "Runtime.consoleAPICalled"]);
    expect(cdp.oversized).toBe(2);
    const answer = cdp.call("Page.reload", {});
    await say({ id: 1, result: {} });
    expect(await answer).toEqual({});
  });

  test("does not read an event without listeners, whatever its length", async () => {
    const { cdp, say, pour, heard, oversized } = listening();
    await pour('{"method":"Runtime.exceptionThrown","params":{"text":"', 120, '"},"sessionId":"s"}');
    await say(consoleText(10));
    expect([heard, oversized, cdp.oversized]).toEqual([[10], [], 0]);
  });

  test("fails a call at once when its answer is too long", async () => {
    const { cdp, pour } = setUp();
    const refused = cdp.call("Page.captureScreenshot", {}).catch((error: { kind: string }) => error.kind);
    await pour('{"id":1,"result":{"data":"', 97, '"}}');
    expect(await refused).toBe("refused");
  });

  test("reads a long picture, and whole messages however the pipe splits them", { timeout: 30_000 }, async () => {
    const { cdp, fromBrowser, turn } = setUp();
    const frames: number[] = [];
    cdp.on("Page.screencastFrame", "s", ({ data }) => frames.push(data.length));
    const text = Buffer.from(`${JSON.stringify({ method: "Page.screencastFrame", params: { data: "é".repeat(5_000_000) }, sessionId: "s" })}\0`.repeat(2));
    for (let from = 0; from < text.length; from += 65_521) fromBrowser.write(text.subarray(from, from + 65_521));
    for (let tries = 0; tries < 100 && frames.length < 2; tries += 1) await turn();
    expect(frames).toEqual([5_000_000, 5_000_000]);
  });

  function listening() {
    const all = setUp();
    const heard: number[] = [];
    const oversized: string[] = [];
    all.cdp.on("Runtime.consoleAPICalled", "s", ({ args }) => heard.push(String(args[0]?.value).length));
    all.cdp.onOversized((method, start) => oversized.push(start.includes(method) ? method : start));
    return { ...all, heard, oversized };
  }

  function consoleText(length: number): object {
    return { method: "Runtime.consoleAPICalled", params: { type: "error", args: [{ type: "string", value: "x".repeat(length) }] }, sessionId: "s" };
  }
});
