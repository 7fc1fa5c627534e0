import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { startDevCloud, type DevCloud, type DevCloudOptions } from "../../../scripts/dev-cloud/dev-cloud.ts";
import { signatureVerifier } from "../../core/identity/verify.ts";
import type { CloudMessageOf } from "../../protocol/cloud-messages.ts";
import { DEFAULT_UPLOAD_POLICY, HttpUploader } from "../uploads/http-uploader.ts";
import { RealLink, type RealLinkOptions } from "./testing/real-link.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function cloud(over: Partial<DevCloudOptions> = {}): Promise<DevCloud> {
  const data = mkdtempSync(join(tmpdir(), "vitrine-cloud-"));
  cleanups.push(() => rmSync(data, { recursive: true, force: true }));
  const running = await startDevCloud({ port: 0, host: "127.0.0.1", data, autoClaim: false, claimTokens: [], survives: "process", ...over }, silentLog, "test");
  cleanups.push(() => running.stop());
  return running;
}

async function device(options: RealLinkOptions): Promise<RealLink> {
  const running = await RealLink.start(options);
  cleanups.push(() => running.stop());
  return running;
}

const deviceUrl = (base: string): string => `${base.replace(/^http/, "ws")}/device/v1`;

async function api(base: string, method: string, path: string, body: unknown = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${base}/api/v1${path}`, { method, headers: { "content-type": "application/json" }, ...(method === "GET" ? {} : { body: JSON.stringify(body) }) });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function claimed(running: RealLink, base: string): Promise<void> {
  await expect.poll(() => running.parts.handlers.names()).toContain("pairing");
  const pairing = running.parts.handlers.calls.findLast((call) => call.name === "pairing")?.value as CloudMessageOf<"pairing">;
  await api(base, "POST", "/claim", { code: pairing.code });
  await expect.poll(() => running.parts.ownership.owner()).toBeDefined();
}

test("pairs, is claimed by its code, and accepts what its owner signed, including a release", async () => {
  const { base } = await cloud();
  const running = await device({ endpoints: [deviceUrl(base)] });
  await running.online();
  expect(Math.abs((running.parts.serverClock.serverNowMs() ?? 0) - Date.now())).toBeLessThan(2_000);
  await claimed(running, base);
  await api(base, "PUT", `/devices/${running.parts.deviceId}/desired`, { document: { log: { level: "debug" } } });
  await expect.poll(() => running.parts.handlers.names()).toContain("desired");
  const desired = running.parts.handlers.calls.findLast((call) => call.name === "desired")?.value as CloudMessageOf<"desired">;
  const verify = signatureVerifier(running.parts.ownership, nodeCrypto);
  expect((await verify(desired.signed, "desired")).ok).toBe(true);
  expect(await verify(desired.signed, "command")).toMatchObject({ ok: false, error: { code: "signature.invalid" } });
  await api(base, "POST", "/owner/rotate");
  await expect.poll(async () => (await verify(desired.signed, "desired")).ok).toBe(false);
  expect(running.parts.link.status().kind).toBe("online");
  await api(base, "POST", `/devices/${running.parts.deviceId}/release`);
  await expect.poll(() => running.parts.ownership.owner()).toBeUndefined();
  expect(running.parts.link.status().kind).toBe("online");
});

test("is claimed by the token of a provisioning file, without a person", async () => {
  const { base } = await cloud({ claimTokens: ["shop-12"] });
  const running = await device({ endpoints: [deviceUrl(base)], claimToken: "shop-12" });
  await expect.poll(() => running.parts.ownership.owner()).toBeDefined();
  expect(running.parts.handlers.names()).not.toContain("pairing");
});

test("the session survives any garbage from the cloud", async () => {
  const { base } = await cloud({ autoClaim: true });
  const running = await device({ endpoints: [deviceUrl(base)] });
  const status = await running.online();
  await expect.poll(() => running.parts.ownership.owner()).toBeDefined();
  for (const misdeed of ["nonsense-frame", "unknown-type", "oversized-frame", "binary-frame", "unsigned-command"]) {
    await api(base, "POST", `/devices/${running.parts.deviceId}/misbehave`, { do: misdeed });
  }
  await expect.poll(() => running.parts.handlers.names()).toContain("command");
  expect(running.parts.link.counts().refused).toEqual({ "frame.not-json": 1, "frame.not-text": 1, "message.unknown-type": 1, "frame.too-large": 1 });
  expect(running.parts.link.status()).toEqual(status);
});

test("reconnects after a goaway and after a cut connection", async () => {
  const { base } = await cloud({ autoClaim: true });
  const running = await device({ endpoints: [deviceUrl(base)] });
  const sessionOf = async (not: string): Promise<string> => {
    const status = await running.until((now) => now.kind === "online" && now.session !== not);
    return status.kind === "online" ? status.session : "";
  };
  const first = await sessionOf("");
  await expect.poll(() => running.parts.ownership.owner()).toBeDefined();
  await api(base, "POST", `/devices/${running.parts.deviceId}/goaway`, { retryAfterMs: 20 });
  const second = await sessionOf(first);
  await api(base, "POST", `/devices/${running.parts.deviceId}/disconnect`);
  await sessionOf(second);
  expect(running.parts.link.counts().ends).toMatchObject({ "link.goaway": 1 });
});

test("an upload reaches the cloud complete", async () => {
  const { base } = await cloud({ autoClaim: true });
  const running = await device({ endpoints: [deviceUrl(base)] });
  await running.online();
  await expect.poll(() => running.parts.ownership.owner()).toBeDefined();
  const uploader = new HttpUploader({
    link: running.parts.link, clock: systemClock, timers: new SystemTimers(), random: systemRandom, log: silentLog, http: {}, policy: DEFAULT_UPLOAD_POLICY,
  });
  const bytes = systemRandom.bytes(700_000);
  const uploaded = await uploader.upload({ purpose: "logs", contentType: "application/gzip", bytes });
  expect(uploaded).toMatchObject({ ok: true, value: { bytes: 700_000 } });
  const { uploads } = (await api(base, "GET", `/devices/${running.parts.deviceId}/uploads`)) as { uploads: { id: string; state: string }[] };
  expect(uploads[0]?.state).toBe("complete");
  const file = await fetch(`${base}/api/v1/uploads/${uploads[0]?.id ?? ""}/file`);
  expect(Buffer.from(await file.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true);
});

test("moves to another cloud only if its owner vouched for it", async () => {
  const [from, to, stranger] = [await cloud(), await cloud(), await cloud()];
  const time = new VirtualTime();
  const running = await device({ endpoints: [deviceUrl(from.base)], migrationTimers: time });
  await running.online();
  await claimed(running, from.base);
  const before = running.parts.ownership.owner()?.fingerprint;

  const trial = running.parts.migration.apply([deviceUrl(stranger.base)]);
  await running.until((status) => status.kind !== "online" && status.lastError?.code === "owner.unknown-there");
  await time.advance(120_000);
  expect(await trial).toMatchObject({ status: "failed", error: { code: "cloud.migration-failed" }, observed: [deviceUrl(from.base)] });
  expect(running.parts.alarms).toEqual(["cloud.migration-failed"]);
  await running.until((status) => status.kind === "online" && status.endpoint === deviceUrl(from.base));
  expect(running.parts.ownership.owner()?.fingerprint).toBe(before);

  const { owner } = (await api(to.base, "GET", "/info")) as { owner: { publicKey: string } };
  const { endorsement } = await api(from.base, "POST", `/devices/${running.parts.deviceId}/endorse`, { publicKey: owner.publicKey });
  await api(to.base, "POST", `/adopt/${running.parts.deviceId}`, { publicKey: running.parts.publicKey, endorsement });
  const moved = await running.parts.migration.apply([deviceUrl(to.base)]);
  expect(moved).toEqual({ status: "applied", observed: [deviceUrl(to.base)] });
  await running.until((status) => status.kind === "online" && status.endpoint === deviceUrl(to.base));
  expect(running.parts.ownership.owner()?.commandKey).toBe(owner.publicKey);
});
