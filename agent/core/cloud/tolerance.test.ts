import { describe, expect, test } from "vitest";
import type { CloudMessage } from "../../protocol/cloud-messages.ts";
import { decodeCloudMessage } from "../../protocol/codec.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { ok } from "../../../platform/ports/result.ts";
import type { NewRecord } from "../outbox/event-sink.ts";
import { storedWatch } from "./stored-went-back.ts";
import { answerWell, NONCE, welcomeOf } from "./testing/scripted-transport.ts";
import { LinkBench } from "./testing/link-bench.ts";

/** Messages of a newer cloud, with words that the types of this version lack. */
const newer = (message: object): CloudMessage => message as CloudMessage;

describe("words of a newer cloud", () => {
  test("in a welcome's wants and owner are ignored and counted, and the device is online", async () => {
    const bench = await LinkBench.make();
    bench.cloud.behave = () => ({
      message: (peer, message) => {
        if (message.t === "hello") peer.send(newer({ ...welcomeOf("s-1"), wants: ["inventory", "profile"], owner: { kind: "leased", until: 1 } }));
      },
    });
    await bench.start();
    expect(bench.link.status()).toMatchObject({ kind: "online", session: "s-1" });
    expect(bench.handlers.calls[0]?.value).toMatchObject({ wants: ["inventory", "profile"], owner: { kind: "unknown" } });
    expect(bench.link.counts().unknownWords).toEqual({ "welcome.wants:inventory": 1, "welcome.owner.kind": 1 });
    await bench.end();
  });

  test("in fetch, stored and goaway do not invalidate the rest of the message", async () => {
    const bench = await LinkBench.make();
    await bench.start();
    const { peer } = bench.cloud;
    peer.send(newer({ t: "fetch", wants: ["reported", "inventory"] }));
    const bad = { code: "record.bad", message: "no" };
    peer.send(newer({ t: "stored", log: "log-1", streams: { play: 9, clip: 4 }, rejected: [{ stream: "clip", seq: 1, ...bad }, { stream: "play", seq: 8, ...bad }] }));
    await bench.time.advance(10);
    expect(bench.handlers.names()).toEqual(["welcomed", "fetch"]);
    expect(bench.backlog.rejections).toEqual([{ stream: "play", seq: 8, code: "record.bad" }]);
    expect(bench.backlog.told.at(-1)).toEqual({ play: 9 });
    expect(bench.link.counts().unknownWords).toEqual({ "fetch.wants:inventory": 1, "stored.rejected:clip": 1 });
    peer.send(newer({ t: "goaway", reason: "moving", endpoint: "quic://other.test/device" }));
    await bench.time.advance(10);
    expect(peer.last("bye")).toEqual({ t: "bye", reason: "reconnecting" });
    await bench.time.advance(20_000);
    expect(bench.cloud.attempts.map(({ url }) => url)).toEqual(["wss://cloud.test/device", "wss://cloud.test/device"]);
    await bench.end();
  });
});

describe("an error names its subject", () => {
  test("a binary message gives frame.not-text, and a malformed one names its type", async () => {
    const bench = await LinkBench.make();
    await bench.start();
    const { peer } = bench.cloud;
    peer.binary();
    peer.raw('{"t":"pong","serverMs":"x"}');
    peer.raw(`{"t":"${"x".repeat(300)}"}`);
    await bench.time.advance(10);
    const errors = peer.received.flatMap((message) => (message.t === "error" ? [[message.code, message.about]] : []));
    expect(errors).toEqual([["frame.not-text", undefined], ["message.malformed", "pong"], ["message.unknown-type", "x".repeat(128)]]);
    expect(bench.link.counts().refused).toMatchObject({ "frame.not-text": 1 });
    await bench.end();
  });

  test("a binary message before the challenge is counted too", async () => {
    const bench = await LinkBench.make();
    bench.cloud.behave = () => ({ opened: (peer) => (peer.binary(), peer.send({ t: "challenge", versions: [1], nonce: NONCE })), message: answerWell });
    await bench.start();
    expect(bench.link.status().kind).toBe("online");
    expect(bench.link.counts().refused).toMatchObject({ "frame.not-text": 1 });
    await bench.end();
  });

  test("the decoder returns the type of a message that it refuses", () => {
    expect(decodeCloudMessage('{"t":"stored","log":"a","streams":7}')).toMatchObject({ ok: false, error: { code: "message.malformed", about: "stored" } });
  });
});

describe("a cloud that acknowledges less than before", () => {
  test("is recorded in one event with the numbers, and again only when they differ", () => {
    const told: NewRecord[] = [];
    const none = { stored: 0, oldest: 1, newest: 0 };
    const outbox = {
      log: "log-1",
      ranges: () => ({ outcome: none, alarm: none, play: { stored: 40, oldest: 41, newest: 44 }, event: { stored: 7, oldest: 8, newest: 7 }, metric: none }),
      append: async (record: NewRecord) => (told.push(record), ok({ seq: told.length })),
    };
    const watch = storedWatch(outbox, silentLog);
    watch({ play: 40, event: 7 });
    expect(told).toEqual([]);
    watch({ play: 12 });
    watch({ play: 12 });
    expect(told.map(({ kind, body }) => ({ kind, body }))).toEqual([
      { kind: "agent", body: { name: "cloud.stored-went-back", data: { log: "log-1", streams: { play: { known: 40, said: 12 }, event: { known: 7, said: 0 } } } } },
    ]);
    watch({ play: 40, event: 7 });
    watch({ play: 12, event: 7 });
    expect(told).toHaveLength(2);
  });
});
