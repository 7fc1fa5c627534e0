import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { CdpClient } from "./cdp-client.ts";

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
  return { cdp, toBrowser, fromBrowser, time, say, turn };
}

describe("the protocol's client", () => {
  test("sends calls with an id and gives their answers back, in any order", async () => {
    const { cdp, toBrowser, say } = setUp();
    const first = cdp.call("Browser.getVersion", undefined);
    const second = cdp.call("Page.reload", {}, { sessionId: "s" });
    const sent = (toBrowser.read() as Buffer).toString().split("\0").filter(Boolean).map((text) => JSON.parse(text) as unknown);
    expect(sent).toEqual([{ id: 1, method: "Browser.getVersion", params: {} }, { id: 2, method: "Page.reload", params: {}, sessionId: "s" }]);
    await say({ id: 2, result: {} }, { id: 1, result: { product: "Chrome/1" } }, { id: 99, result: {} });
    expect(await first).toEqual({ product: "Chrome/1" });
    expect(await second).toEqual({});
  });

  test("a call without an answer ends at its deadline, and a late answer does nothing", async () => {
    const { cdp, time, say } = setUp();
    const call = cdp.call("Page.reload", {}, { timeoutMs: 500 });
    const outcome = call.catch((error: { kind: string }) => error.kind);
    await time.advance(500);
    expect(await outcome).toBe("timeout");
    await say({ id: 1, result: {} });
    expect(time.pending()).toEqual([]);
  });

  test("the browser's refusal and the pipe's end fail the call", async () => {
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

  test("events go to the listeners of their session; one that throws stops nobody", async () => {
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

  test("a text that is not JSON ends the connection, not the process", async () => {
    const { cdp, fromBrowser, turn } = setUp();
    const open = cdp.call("Page.reload", {}).catch((error: { kind: string }) => error.kind);
    fromBrowser.write("{not json\0");
    await turn();
    expect(await open).toBe("closed");
  });
});
