import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownerKeyPayload, signedBytes } from "../../../agent/protocol/signed.ts";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { fromBase64Url, toBase64Url } from "../../../platform/runtime/encoding.ts";
import { CloudBench } from "../testing/cloud-bench.ts";
import { claimTokenStatuses } from "./claim-tokens.ts";
import { isOwnAudience, normalAudience } from "./audience.ts";

describe("the handshake", () => {
  test("the welcome to a signed hello names stored positions, owner and requested documents", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    const welcome = await device.join();
    expect(welcome).toMatchObject({
      owner: { kind: "unclaimed" },
      desiredVersion: 0,
      reportedVersion: 0,
      wants: ["profile", "reported"],
      stored: { event: 0 },
    });
    expect(welcome.serverMs).toBe(bench.store.device(device.id)?.link.sinceMs);
    expect(bench.store.device(device.id)?.link).toMatchObject({
      state: "online",
      epoch: 1,
      bootId: "boot-1",
      session: welcome.session,
    });
  });

  test.each([
    ["a signature over another nonce", { nonce: toBase64Url(new Uint8Array(32)) }, "refused.signature"],
    ["an id that is not the key's", { deviceId: "0".repeat(32) }, "refused.identity"],
    ["another audience than signed", { audience: "ws://elsewhere:1" }, "refused.audience"],
    ["another boot id than signed", { bootId: "other" }, "refused.signature"],
    ["another epoch than signed", { epoch: 99 }, "refused.signature"],
  ])(
    "refuses %s",
    async (
      _what,
      { nonce, ...change }: { nonce?: string; deviceId?: string; audience?: string; bootId?: string; epoch?: number },
      code,
    ) => {
      const bench = await CloudBench.create();
      const device = await bench.device();
      device.open();
      const hello = await device.hello({}, nonce);
      device.send({ ...hello, ...change });
      await bench.settle();
      expect(device.take("refused").code).toBe(code);
      expect(device.closed?.code).toBe(1008);
      expect(bench.store.devices()).toEqual([]);
    },
  );

  test("a valid hello signed for another server is refused, so that it cannot be relayed", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    expect(await device.connect({ audience: "wss://evil.example:443" })).toMatchObject({
      t: "refused",
      code: "refused.audience",
    });
  });

  test("an unsupported version is refused, another first message is an error, and silence ends the session", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    device.open();
    device.sendText(JSON.stringify({ ...(await device.hello()), version: 2 }));
    expect(device.take("refused").code).toBe("refused.version");
    device.open();
    device.send({ t: "ping" });
    expect(device.take("error")).toMatchObject({ code: "message.too-early", about: "ping" });
    await bench.time.advance(15_000);
    expect(device.closed?.reason).toBe("handshake-timeout");
  });

  test("messages between hello and welcome, and a second hello, are errors", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    device.open();
    device.epoch = 1;
    const hello = await device.hello();
    device.send(hello);
    device.send({ t: "ping" });
    expect(device.take("error").code).toBe("message.too-early");
    await bench.settle();
    device.take("welcome");
    device.send(hello);
    expect(device.take("error").code).toBe("message.unexpected");
  });

  test("a device that disconnects during its handshake is not left online", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    device.open();
    device.epoch = 1;
    device.send(await device.hello());
    device.drop();
    await bench.settle();
    await bench.settle();
    expect(bench.store.device(device.id)?.link.state ?? "never").not.toBe("online");
    expect(bench.cloud.context.live.size).toBe(0);
  });
});

describe("epochs", () => {
  test("a newer session closes the older one, whose late end changes nothing", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    const old = device.session;
    const second = await device.join();
    old?.onClosed("closed");
    await bench.settle();
    expect(bench.store.device(device.id)?.link).toMatchObject({ state: "online", session: second.session, epoch: 2 });
    expect(bench.cloud.context.live.get(device.id)?.id).toBe(second.session);
  });

  test("an older or equal epoch is refused while a newer session is open", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    await device.join();
    device.epoch = 1;
    const open = bench.cloud.context.live.get(device.id)?.id;
    expect(await device.connect()).toMatchObject({ t: "refused", code: "refused.epoch" });
    await bench.settle();
    expect(bench.store.device(device.id)?.link).toMatchObject({ state: "online", session: open });
  });

  test("a device that lost its epoch can reconnect once the old session is over", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    await device.join();
    device.drop();
    await bench.settle();
    device.epoch = 0;
    expect((await device.connect())?.t).toBe("welcome");
  });
});

describe("the end of a session", () => {
  test("records the reason: bye, timeout or cut", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    const reason = (): string | undefined => bench.store.device(device.id)?.link.reason;
    await device.join();
    device.send({ t: "bye", reason: "rebooting" });
    await bench.settle();
    expect(reason()).toBe("bye.rebooting");
    await device.join();
    device.drop();
    await bench.settle();
    expect(reason()).toBe("closed");
    await device.join();
    await bench.time.advance(60_000);
    device.send({ t: "ping" });
    expect(device.count("pong")).toBe(1);
    await bench.time.advance(60_000);
    expect(bench.store.device(device.id)?.link.state).toBe("online");
    await bench.time.advance(10_000);
    expect(reason()).toBe("timeout");
  });

  test("a restarted cloud considers no device online", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    const again = await CloudBench.create({}, bench.store);
    expect(again.store.device(device.id)?.link).toMatchObject({ state: "offline", reason: "server-restarted" });
  });

  test("a killed cloud commits nothing more and leaves no timer; the next one continues from the stored state", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    device.records("event", [1]);
    await bench.settle();
    device.take("stored");
    device.records("event", [2]);
    bench.cloud.crash();
    await bench.settle();
    expect(bench.time.pending()).toEqual([]);
    expect(device.closed?.reason).toBe("cut");
    expect(device.count("stored")).toBe(0);
    const next = await CloudBench.create({}, bench.store);
    const again = await next.device();
    again.epoch = device.epoch;
    expect((await again.join()).stored.event).toBe(1);
  });

  test("a forgotten device leaves no data, and is new when it reconnects", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    device.records("event", [1]);
    expect(bench.cloud.forget(device.id)).toBe(false);
    device.drop();
    expect(bench.cloud.forget(device.id)).toBe(true);
    await bench.settle();
    expect(bench.store.devices()).toEqual([]);
    expect((await device.join()).stored.event).toBe(0);
  });

  test("stopping leaves no timer behind", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    bench.cloud.stop();
    expect(device.take("goaway").retryAfterMs).toBe(1_000);
    await bench.settle();
    expect(bench.time.pending()).toEqual([]);
    expect(bench.store.device(device.id)?.link).toMatchObject({ state: "offline", reason: "server-stopping" });
  });
});

describe("ownership", () => {
  test("a code claims the device, which is informed; its old codes become invalid and a second claim is refused", async () => {
    const bench = await CloudBench.create({
      defaultDesired: () => ({ content: { kind: "url", url: "http://127.0.0.1:4600/sample/" } }),
    });
    const device = await bench.device();
    await device.join();
    const { code, claimUrl } = device.take("pairing");
    expect(code).toMatch(/^[34679ACDEFGHJKMNPQRTUVWXY]{6}$/);
    expect(claimUrl).toBe(`http://127.0.0.1:4600/claim?code=${code}`);
    const claimed = await bench.cloud.ownership.claim(` ${code.slice(0, 3).toLowerCase()}-${code.slice(3)} `, "Lobby");
    expect(claimed).toMatchObject({ ok: true, value: { name: "Lobby", owner: { key: bench.signer.current().fingerprint } } });
    await bench.settle();
    expect(device.take("owner").owner).toMatchObject({ kind: "claimed", commandKey: bench.signer.current().publicKey });
    expect(JSON.parse(device.take("desired").signed.payload)).toMatchObject({
      device: device.id,
      version: 1,
      document: { content: { kind: "url" } },
    });
    expect(await bench.cloud.ownership.claim(code)).toMatchObject({ ok: false, error: { code: "pairing.unknown-code" } });
  });

  test("a code is renewed before it expires, and the previous one stays valid until it expires", async () => {
    const bench = await CloudBench.create({ limits: { pingIntervalMs: 300_000 } });
    const device = await bench.device();
    await device.join();
    const first = device.take("pairing").code;
    await bench.time.advance(8 * 60_000 + 1);
    const second = device.take("pairing").code;
    expect(second).not.toBe(first);
    expect(bench.cloud.ownership.pairing.find(first, bench.time.wallMs())).toEqual({ ok: true, value: device.id });
    await bench.time.advance(2 * 60_000);
    expect(bench.cloud.ownership.pairing.find(first, bench.time.wallMs())).toMatchObject({ error: { code: "pairing.expired" } });
    expect(bench.cloud.ownership.pairing.find(second, bench.time.wallMs())).toEqual({ ok: true, value: device.id });
  });

  test("after ten wrong codes in a minute, even a right one is refused", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    await device.join();
    const { code } = device.take("pairing");
    for (let guess = 0; guess < 10; guess += 1)
      expect(await bench.cloud.ownership.claim("AAAAAA")).toMatchObject({ error: { code: "pairing.unknown-code" } });
    expect(await bench.cloud.ownership.claim(code)).toMatchObject({ error: { code: "pairing.rate-limited" } });
    await bench.time.advance(60_000);
    expect((await bench.cloud.ownership.claim(code)).ok).toBe(true);
  });

  test("auto-claim and a claim token claim the device with the welcome", async () => {
    const auto = await CloudBench.create({ autoClaim: true });
    const device = await auto.device();
    expect((await device.join()).owner.kind).toBe("claimed");
    const tokens = await CloudBench.create({ claimTokens: new Set(["site-7"]) });
    expect((await (await tokens.device()).join({ claimToken: "site-8" })).owner.kind).toBe("unclaimed");
    expect((await (await tokens.device(4)).join({ claimToken: "site-7" })).owner.kind).toBe("claimed");
  });

  test("a claim token is limited in devices and time, across restarts too", async () => {
    const limits = { claimTokens: new Set(["site-7", "site-9"]), claimTokenLimits: { devices: 2, lifeMs: 3_600_000 } };
    const bench = await CloudBench.create(limits);
    const claims = async (seed: number, claimToken: string): Promise<string> => (await (await bench.device(seed)).join({ claimToken })).owner.kind;
    expect([await claims(2, "site-7"), await claims(3, "site-7"), await claims(4, "site-7")]).toEqual(["claimed", "claimed", "unclaimed"]);
    expect(claimTokenStatuses(bench.cloud.context)).toMatchObject([{ devices: 2, used: 2 }, { devices: 2, used: 0 }]);
    // A restarted cloud on the same store: used tokens stay used, and time goes on.
    const again = await CloudBench.create(limits, bench.store);
    expect((await (await again.device(5)).join({ claimToken: "site-7" })).owner.kind).toBe("unclaimed");
    await again.time.advance(3_600_000);
    expect((await (await again.device(6)).join({ claimToken: "site-9" })).owner.kind).toBe("unclaimed");
    expect(claimTokenStatuses(again.cloud.context)[1]?.used).toBe(0);
  });

  test("neither a device that holds its owner's key nor auto-claim uses up a claim token", async () => {
    const bench = await CloudBench.create({ claimTokens: new Set(["one"]) });
    const device = await bench.device();
    await device.join({ claimToken: "one" });
    await device.join({ claimToken: "one" });
    expect(claimTokenStatuses(bench.cloud.context)).toMatchObject([{ used: 1 }]);
    const auto = await CloudBench.create({ claimTokens: new Set(["one"]), autoClaim: true });
    await (await auto.device()).join({ claimToken: "one" });
    expect(claimTokenStatuses(auto.cloud.context)).toMatchObject([{ used: 0 }]);
  });

  test("a device that was released and claimed again by code stays claimed when it reconnects", async () => {
    const bench = await CloudBench.create();
    const device = await bench.claimed();
    const row = bench.store.device(device.id);
    if (row !== undefined) bench.cloud.ownership.release(row);
    await bench.settle();
    device.owner = undefined;
    const { code } = device.take("pairing");
    expect((await bench.cloud.ownership.claim(code)).ok).toBe(true);
    await bench.settle();
    device.owner = bench.signer.current().fingerprint;
    device.received.length = 0;
    expect((await device.join()).owner.kind).toBe("claimed");
    await bench.settle();
    expect(device.received.filter((message) => message.t === "owner")).toEqual([]);
    expect(bench.store.device(device.id)?.released).toBeUndefined();
  });

  test("a cloud that lost its counter continues above the highest number reported by the device", async () => {
    const bench = await CloudBench.create();
    const device = await bench.claimed();
    await device.join({ numberHigh: 812 });
    expect(bench.store.device(device.id)?.number).toBe(812);
    await device.join({ numberHigh: 3 });
    expect(bench.store.device(device.id)?.number).toBe(812);
  });

  test("a new key is endorsed by the one the device holds, whether online now or at its next hello", async () => {
    const bench = await CloudBench.create();
    const device = await bench.claimed();
    const old = bench.signer.current();
    const fresh = await bench.cloud.ownership.rotateKey();
    const { owner } = device.take("owner");
    if (owner.kind !== "claimed") throw new Error("not claimed");
    expect(owner.commandKey).toBe(fresh.publicKey);
    const valid = (endorsement: typeof owner.endorsement): Promise<boolean> =>
      nodeCrypto.verifyEd25519(
        fromBase64Url(old.publicKey) ?? new Uint8Array(),
        signedBytes("owner-key", ownerKeyPayload(device.id, fresh.publicKey)),
        fromBase64Url(endorsement?.signature ?? "") ?? new Uint8Array(),
      );
    expect(owner.endorsement?.by).toBe(old.fingerprint);
    expect(await valid(owner.endorsement)).toBe(true);
    const welcome = await device.join();
    expect(welcome.owner.kind === "claimed" && (await valid(welcome.owner.endorsement))).toBe(true);
    device.owner = fresh.fingerprint;
    expect((await device.join()).owner).toEqual({ kind: "claimed", name: "Test owner", commandKey: fresh.publicKey });
  });

  test("a release is signed and numbered, cancels open commands, and starts pairing again", async () => {
    const bench = await CloudBench.create();
    const device = await bench.claimed();
    const row = bench.store.device(device.id);
    if (row === undefined) throw new Error("no device");
    const command = bench.cloud.commands.create(row, { name: "identify", params: {} });
    const released = bench.cloud.ownership.release(bench.store.device(device.id) ?? row);
    expect(released.ok).toBe(true);
    await bench.settle();
    const message = device.take("owner");
    expect(message.owner).toEqual({ kind: "unclaimed" });
    const payload = JSON.parse(message.release?.payload ?? "{}") as { device: string; number: number };
    expect(payload).toMatchObject({ device: device.id, number: 2 });
    expect(command.ok && bench.store.command(device.id, command.value.id)?.state).toBe("canceled");
    expect(device.count("pairing")).toBe(1);
  });

  test("a device that missed its release is sent it again, and is not claimed back by its key", async () => {
    const bench = await CloudBench.create();
    const device = await bench.claimed();
    const row = bench.store.device(device.id);
    if (row !== undefined) bench.cloud.ownership.release(row);
    await bench.settle();
    const welcome = await device.join();
    expect(welcome.owner.kind).toBe("claimed");
    await bench.settle();
    expect(device.take("owner").release).toBeDefined();
    expect(bench.store.device(device.id)?.owner).toBeUndefined();
    device.owner = undefined;
    expect((await device.join()).owner.kind).toBe("unclaimed");
    expect(device.count("pairing")).toBe(1);
  });

  test("a device that holds our key is ours even if the cloud lost its list; another owner's is not", async () => {
    const bench = await CloudBench.create();
    const device = await bench.device();
    device.owner = bench.signer.current().fingerprint;
    expect((await device.join()).owner.kind).toBe("claimed");
    const foreign = await bench.device(5);
    foreign.owner = "f".repeat(32);
    expect((await foreign.join()).owner.kind).toBe("unclaimed");
    expect(await bench.cloud.ownership.claim(foreign.take("pairing").code)).toMatchObject({
      error: { code: "device.owned-elsewhere" },
    });
  });

  test("an endorsement by the other cloud's key makes its device ours", async () => {
    const [from, to] = [await CloudBench.create(), await CloudBench.create({}, undefined, 2)];
    const device = await from.claimed();
    const key = to.signer.current();
    to.cloud.ownership.adopt(
      device.id,
      toBase64Url(device.key.publicKey),
      await from.cloud.ownership.endorse(device.id, key.publicKey),
    );
    const moved = await to.device();
    moved.owner = from.signer.current().fingerprint;
    expect(moved.id).toBe(device.id);
    const welcome = await moved.join();
    expect(welcome.owner).toMatchObject({
      kind: "claimed",
      commandKey: key.publicKey,
      endorsement: { by: from.signer.current().fingerprint },
    });
  });
});

const PARTS = [
  fc.constantFrom("wss://", "ws://", "WSS://", "https://", ""),
  fc.constantFrom("", "user@", "x."),
  fc.constantFrom("cloud.example", "Cloud.Example", "cloud.exampl", "evil.example"),
  fc.constantFrom("", ":443", ":80", ":4430"),
  fc.constantFrom("", "/", "/x", "?q", "#f", ".evil.example"),
] as const;

describe("audiences", () => {
  test.each([
    ["ws://127.0.0.1:4600", "ws://127.0.0.1:4600"],
    ["WSS://Cloud.Example", "wss://cloud.example:443"],
    ["ws://cloud.example/", "ws://cloud.example:80"],
    ["ws://[::1]:8080", "ws://[::1]:8080"],
    ["https://cloud.example", undefined],
    ["ws://user@cloud.example", undefined],
    ["ws://cloud.example/path", undefined],
  ])("%s is normalized to %s", (text, normal) => {
    expect(normalAudience(text)).toBe(normal);
  });

  test("only the origin itself counts as the origin", () => {
    fc.assert(
      fc.property(
        fc.tuple(...PARTS).map((parts) => parts.join("")),
        (url) => {
          expect(isOwnAudience(url, ["wss://cloud.example:443"])).toBe(/^wss:\/\/cloud\.example(:443)?\/?$/i.test(url));
        },
      ),
    );
  });
});
