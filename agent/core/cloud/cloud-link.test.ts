import { expect, test } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { fromBase64Url } from "../../../platform/runtime/encoding.ts";
import { helloBytes } from "../../protocol/signed.ts";
import { answerWell, challenge, NONCE, welcomeOf } from "./testing/scripted-transport.ts";
import { LinkBench } from "./testing/link-bench.ts";

test("the link sends a signed hello, is welcomed, starts the drain and is online", async () => {
  const bench = await LinkBench.make();
  const seen: string[] = [];
  bench.link.onStatus((status) => seen.push(status.kind));
  await bench.start();
  expect(bench.link.status()).toMatchObject({ kind: "online", session: "s-1", endpoint: "wss://cloud.test/device" });
  expect(seen).toEqual(["offline", "connecting", "online"]);
  const hello = bench.cloud.peer.last("hello");
  if (hello === undefined) throw new Error("no hello");
  expect(hello).toMatchObject({ audience: "wss://cloud.test", epoch: Math.floor(bench.time.wallMs() / 1000), bootId: "boot-1", log: "log-1" });
  const signed = helloBytes({ nonce: NONCE, deviceId: hello.deviceId, audience: hello.audience, bootId: hello.bootId, epoch: hello.epoch });
  expect(await nodeCrypto.verifyEd25519(bench.key.publicKey, signed, fromBase64Url(hello.signature) ?? new Uint8Array())).toBe(true);
  expect(bench.handlers.names()).toEqual(["welcomed"]);
  expect(bench.drains).toHaveLength(1);
  await bench.end();
  expect(bench.cloud.peer.last("bye")).toEqual({ t: "bye", reason: "stopping" });
  expect(bench.drains[0]?.signal?.aborted).toBe(true);
  expect(bench.time.pending()).toEqual([]);
});

test("a device without a cloud says so, and stops saying so once it has one", async () => {
  const bench = await LinkBench.make({ endpoints: [] });
  await bench.start();
  expect(bench.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.not-configured" } });
  bench.link.setEndpoints(["wss://cloud.test/device"]);
  await bench.time.advance(10_000);
  expect(bench.link.status().kind).toBe("online");
  bench.link.setEndpoints([]);
  await bench.time.advance(1_000);
  expect(bench.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.not-configured" } });
  await bench.end();
});

test("the session number is on disk before it is used and rises with every session", async () => {
  const bench = await LinkBench.make();
  const stored: unknown[] = [];
  bench.cloud.behave = () => ({
    message: (peer, message) => {
      if (message.t === "hello") stored.push((JSON.parse(bench.documents.disk.get("cloud.session") ?? "{}") as { epoch: unknown }).epoch);
      answerWell(peer, message);
    },
  });
  await bench.start();
  bench.cloud.peer.drop();
  await bench.time.advance(10_000);
  const epochs = bench.cloud.peers.map((peer) => peer.last("hello")?.epoch);
  expect(epochs).toHaveLength(2);
  expect(stored).toEqual(epochs);
  expect(epochs[1]).toBe((epochs[0] ?? 0) + 1);
  await bench.end();
});

test("a disk that refuses the session number does not keep the device offline", async () => {
  const bench = await LinkBench.make();
  bench.documents.failWith = "storage.read-only";
  await bench.start();
  expect(bench.link.status().kind).toBe("online");
  const first = bench.cloud.peer.last("hello")?.epoch ?? 0;
  bench.cloud.peer.drop();
  await bench.time.advance(10_000);
  expect(bench.cloud.peer.last("hello")?.epoch).toBeGreaterThan(first);
  await bench.end();
});

test("handlers are called in order of arrival, even behind a slow owner check", async () => {
  const bench = await LinkBench.make();
  let release: () => void = () => {};
  await bench.start();
  bench.handlers.accept = () => new Promise((resolve) => (release = () => resolve({ ok: true, value: undefined })));
  const { peer } = bench.cloud;
  peer.send({ t: "owner", owner: { kind: "unclaimed" } });
  peer.send({ t: "fetch", wants: ["profile"] });
  peer.send({ t: "reported-ack", version: 4 });
  await bench.time.advance(10);
  expect(bench.handlers.names()).toEqual(["welcomed"]);
  release();
  await bench.time.advance(10);
  expect(bench.handlers.names()).toEqual(["welcomed", "fetch", "reportedAck"]);
  await bench.end();
});

test("a handler that throws or rejects is counted, and the session goes on", async () => {
  const bench = await LinkBench.make();
  bench.handlers.before = (name) => {
    if (name === "fetch") throw new Error("a bug in the fetch handler");
  };
  await bench.start();
  bench.cloud.peer.send({ t: "fetch", wants: ["profile"] });
  bench.cloud.peer.send({ t: "reported-ack", version: 4 });
  await bench.time.advance(10);
  expect(bench.handlers.names()).toEqual(["welcomed", "reportedAck"]);
  expect(bench.link.counts().handlerFaults).toBe(1);
  expect(bench.link.status().kind).toBe("online");
  await bench.end();
});

test("a wrong owner ends the session, which is retried on the slow schedule", async () => {
  const bench = await LinkBench.make();
  bench.handlers.accept = async () => fail("owner.key-mismatch", "another owner");
  await bench.start();
  const status = bench.link.status();
  expect(status).toMatchObject({ kind: "offline", lastError: { code: "owner.key-mismatch" } });
  if (status.kind !== "offline") throw new Error("not offline");
  expect((status.retryAtMs ?? 0) - bench.time.monotonicMs()).toBeGreaterThan(25_000);
  expect(bench.handlers.names()).toEqual([]);
  expect(bench.drains).toHaveLength(0);
  await bench.end();
});

test("unusable frames are counted and a few are answered; a flood of them closes the connection", async () => {
  const bench = await LinkBench.make();
  await bench.start();
  const { peer } = bench.cloud;
  for (const frame of ["nonsense", "[1]", '{"t":"evil"}', '{"t":"pong","serverMs":"x"}', "y".repeat(300_000)]) peer.raw(frame);
  peer.send({ t: "challenge", versions: [1], nonce: NONCE });
  await bench.time.advance(10);
  expect(peer.received.filter((message) => message.t === "error").map((message) => message.code)).toEqual([
    "frame.not-json", "frame.not-an-object", "message.unknown-type", "message.malformed", "frame.too-large",
  ]);
  expect(bench.link.counts().refused).toMatchObject({ "message.out-of-place": 1, "frame.too-large": 1 });
  expect(bench.link.status().kind).toBe("online");
  for (let i = 0; i < 100; i += 1) peer.raw("nonsense");
  await bench.time.advance(10);
  expect(bench.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.nonsense" } });
  await bench.end();
});

test("acknowledged and rejected records reach the backlog and the drain, for the current log only", async () => {
  const bench = await LinkBench.make();
  bench.cloud.behave = () => ({ message: (peer, message) => answerWell(peer, message, { stored: { play: 7 } }) });
  await bench.start();
  const { peer } = bench.cloud;
  peer.send({ t: "stored", log: "another", streams: { play: 900 } });
  peer.send({ t: "stored", log: "log-1", streams: { play: 9 }, rejected: [{ stream: "play", seq: 8, code: "record.bad", message: "no" }] });
  await bench.time.advance(10);
  expect(bench.backlog.told).toEqual([{ play: 7 }, { play: 9 }]);
  expect(bench.backlog.rejections).toEqual([{ stream: "play", seq: 8, code: "record.bad" }]);
  expect(bench.drains[0]?.stored).toEqual([{ play: 9 }]);
  expect(bench.link.counts().refused).toMatchObject({ "stored.other-log": 1 });
  await bench.end();
});

test("a link without a frame for 2.2 ping intervals is dead and is replaced", async () => {
  const bench = await LinkBench.make();
  bench.cloud.behave = (_url, attempt) => (attempt === 1 ? { message: (peer, message) => message.t === "hello" && answerWell(peer, message) } : {});
  await bench.start();
  const { peer } = bench.cloud;
  await bench.time.advance(65_000);
  expect(peer.received.filter((message) => message.t === "ping")).toHaveLength(2);
  expect(bench.link.status().kind).toBe("online");
  await bench.time.advance(2_000);
  expect(peer.closedWith).toBe("link.silent");
  await bench.time.advance(10_000);
  expect(bench.link.status()).toMatchObject({ kind: "online", session: "s-2" });
  expect(bench.cloud.aliveMax).toBe(1);
  await bench.end();
});

test("on goaway the device says bye, obeys retryAfterMs and follows the endpoint once", async () => {
  const bench = await LinkBench.make();
  await bench.start();
  const { peer } = bench.cloud;
  const leftMs = bench.time.monotonicMs();
  peer.send({ t: "goaway", reason: "maintenance", retryAfterMs: 60_000, endpoint: "wss://other.test/device" });
  await bench.time.advance(59_000);
  expect(peer.last("bye")).toEqual({ t: "bye", reason: "reconnecting" });
  expect(bench.cloud.attempts).toHaveLength(1);
  await bench.time.advance(20_000);
  expect(bench.cloud.attempts[1]?.url).toBe("wss://other.test/device");
  expect((bench.cloud.attempts[1]?.atMs ?? 0) - leftMs).toBeLessThanOrEqual(60_000 + 15_100);
  bench.cloud.peer.drop();
  await bench.time.advance(10_000);
  expect(bench.cloud.attempts[2]?.url).toBe("wss://cloud.test/device");
  await bench.end();
});

test("a hello handler that never answers ends in a timeout, not in a hang", async () => {
  const bench = await LinkBench.make();
  bench.handlers.hello = () => new Promise(() => {});
  await bench.start();
  await bench.time.advance(15_500);
  expect(bench.link.status()).toMatchObject({ lastError: { code: "link.handshake-timeout" } });
  await bench.end();
});

test("a refusal and an unknown version end the attempt; an unclaimed device sends its claim token", async () => {
  const bench = await LinkBench.make({ over: { claimToken: () => "let-me-in" } });
  bench.cloud.behave = (_url, attempt) =>
    attempt === 1
      ? { opened: (peer) => peer.send({ t: "challenge", versions: [2, 3], nonce: NONCE }) }
      : { message: (peer) => peer.send({ t: "refused", code: "refused.busy", message: "full", retryAfterMs: 5_000 }) };
  await bench.start();
  expect(bench.link.status()).toMatchObject({ lastError: { code: "link.version" } });
  await bench.time.advance(61_000);
  expect(bench.cloud.peer.last("hello")?.claimToken).toBe("let-me-in");
  expect(bench.link.status()).toMatchObject({ lastError: { code: "refused.busy" } });
  await bench.end();
});

test("when the server refuses the connection, the reason is reported, retryAfterMs obeyed and the new address followed", async () => {
  const bench = await LinkBench.make();
  bench.cloud.behave = (_url, attempt) => {
    if (attempt === 1) return { connect: { kind: "refused", reason: "too-busy", code: "link.http-503", message: "full", retryAfterMs: 60_000 } };
    return attempt === 2 ? { connect: { kind: "refused", reason: "moved", code: "link.http-308", message: "gone", endpoint: "wss://other.test/device" } } : {};
  };
  await bench.start();
  expect(bench.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.http-503", message: "full", refusal: "too-busy" } });
  await bench.time.advance(59_000);
  expect(bench.cloud.attempts).toHaveLength(1);
  await bench.time.advance(30_000);
  expect(bench.cloud.attempts.map(({ url }) => url)).toEqual(["wss://cloud.test/device", "wss://cloud.test/device", "wss://other.test/device"]);
  expect(bench.link.status()).toMatchObject({ kind: "online", endpoint: "wss://other.test/device" });
  await bench.end();
});

test("a server that ends a session with a refusal is not retried at once", async () => {
  const bench = await LinkBench.make();
  await bench.start();
  bench.cloud.peer.drop({ kind: "refused", reason: "not-authorised", code: "link.http-403", message: "blocked" });
  await bench.time.advance(25_000);
  expect(bench.cloud.attempts).toHaveLength(1);
  expect(bench.link.status()).toMatchObject({ lastError: { refusal: "not-authorised" } });
  await bench.end();
});

test("a transport with small frames is never given larger ones, and the drain knows its limit", async () => {
  const bench = await LinkBench.make();
  bench.cloud.frameBytesMax = 5_000;
  bench.cloud.behave = () => ({ message: (peer, message) => answerWell(peer, message, { limits: { frameBytesMax: 100_000 } }) });
  await bench.start();
  expect(bench.drains[0]?.session.limits).toEqual({ frameBytesMax: 5_000 });
  expect(bench.link.send({ t: "error", code: "test.long", message: "x".repeat(900) })).toBe(true);
  expect(bench.drains[0]?.session.sendFrame("x".repeat(5_001))).toBe(false);
  bench.cloud.peer.send({ t: "limits", limits: { frameBytesMax: 4_096 } });
  bench.cloud.peer.send({ t: "limits", limits: { frameBytesMax: 200_000 } });
  await bench.time.advance(1_000);
  expect(bench.drains[0]?.limits).toEqual([{ frameBytesMax: 4_096 }, { frameBytesMax: 5_000 }]);
  await bench.end();
});

test("requests for an upload address are granted, refused, or ended with the session", async () => {
  const bench = await LinkBench.make();
  const grant = { t: "upload-grant", url: "http://127.0.0.1/u/1", name: "one", expiresInMs: 60_000 } as const;
  let asked = 0;
  bench.cloud.behave = () => ({
    message: (peer, message) => {
      answerWell(peer, message);
      if (message.t !== "upload-request") return;
      asked += 1;
      if (asked === 1) peer.send({ ...grant, id: message.id });
      else if (asked === 2) peer.send({ t: "upload-refused", id: message.id, code: "upload.too-large", message: "no room" });
    },
  });
  const request = { purpose: "screenshot", contentType: "image/jpeg", bytes: 3, sha256: "0".repeat(64) } as const;
  expect(await bench.link.requestUpload(request)).toMatchObject({ ok: false, error: { code: "link.offline" } });
  await bench.start();
  expect(await bench.link.requestUpload(request)).toMatchObject({ ok: true, value: { name: "one" } });
  expect(await bench.link.requestUpload(request)).toMatchObject({ ok: false, error: { code: "upload.too-large" } });
  const late = bench.link.requestUpload(request);
  await bench.time.advance(31_000);
  expect(await late).toMatchObject({ ok: false, error: { code: "upload.timeout" } });
  const cut = bench.link.requestUpload(request);
  bench.cloud.peer.drop();
  expect(await cut).toMatchObject({ ok: false, error: { code: "link.offline" } });
  await bench.end();
});

test("the first attempt after a boot is delayed at random; after a restart of the agent alone it is not", async () => {
  const bench = await LinkBench.make({ over: { firstConnectSpreadMs: 600_000 } });
  await bench.start(600_000);
  expect(bench.cloud.attempts[0]?.atMs).toBeGreaterThan(5_000);
  await bench.end();
  const again = await LinkBench.make({ over: { firstConnectSpreadMs: 600_000, documents: bench.documents } });
  await again.start();
  expect(again.cloud.attempts).toHaveLength(1);
  await again.end();
});

test("a connection that opens after its attempt was given up is closed at once", async () => {
  const bench = await LinkBench.make();
  const { cloud } = bench;
  cloud.behave = () => ({ opened: () => {} });
  await bench.start();
  bench.link.setEndpoints(["wss://elsewhere.test/device"]);
  await bench.time.advance(10_000);
  expect(cloud.attempts.map((attempt) => attempt.url)).toEqual(["wss://cloud.test/device", "wss://elsewhere.test/device"]);
  expect(cloud.aliveMax).toBe(1);
  await bench.end();
});

test("early frames, a second welcome and frames after the end do no harm", async () => {
  const bench = await LinkBench.make();
  bench.cloud.behave = () => ({ opened: (peer) => (challenge(peer), challenge(peer)) });
  await bench.start();
  const { peer } = bench.cloud;
  expect(bench.link.status().kind).toBe("online");
  peer.send(welcomeOf("again"));
  await bench.time.advance(10);
  expect(bench.link.status()).toMatchObject({ session: "s-1" });
  expect(bench.handlers.names()).toEqual(["welcomed"]);
  await bench.end();
  peer.raw('{"t":"fetch","wants":["profile"]}');
  expect(bench.handlers.names()).toEqual(["welcomed"]);
});

test("an outbox restarted during the handshake does not receive the sequence numbers of the old one", async () => {
  const bench = await LinkBench.make();
  bench.cloud.behave = (_url, attempt) => ({
    message: (peer, message) => {
      if (attempt === 1) bench.backlog.log = "log-2";
      answerWell(peer, message, { stored: { play: 900 } });
    },
  });
  await bench.start();
  expect(bench.backlog.told).toEqual([]);
  expect(bench.link.status()).toMatchObject({ lastError: { code: "link.log-changed" } });
  await bench.time.advance(10_000);
  expect(bench.link.status().kind).toBe("online");
  expect(bench.cloud.peer.last("hello")?.log).toBe("log-2");
  await bench.end();
});
