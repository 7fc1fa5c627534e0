import type { CommandPayload } from "../../agent/protocol/commands/payload.ts";
import type { Hello } from "../../agent/protocol/device-messages.ts";
import type { CloudMessageOf } from "../../agent/protocol/cloud-messages.ts";
import { helloBytes, ownerKeyPayload, signedBytes, type Signed, type SignedPurpose } from "../../agent/protocol/signed.ts";
import { nodeCrypto, keyFromSeed } from "../../platform/linux/node-crypto.ts";
import type { DeviceKey } from "../../platform/ports/crypto.ts";
import { toBase64Url, toHex } from "../../platform/runtime/encoding.ts";

/** The 32 bytes `first`, `first + 1`, …: a seed that is easy to type. */
function counting(first: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => first + at);
}

export interface Key {
  readonly seed: string;
  readonly publicKey: string;
  readonly fingerprint: string;
  readonly key: DeviceKey;
}

async function keyOf(first: number): Promise<Key> {
  const seed = counting(first);
  const key = keyFromSeed(seed);
  return {
    seed: toHex(seed),
    publicKey: toBase64Url(key.publicKey),
    fingerprint: toHex((await nodeCrypto.sha256(key.publicKey)).subarray(0, 16)),
    key,
  };
}

async function signed(owner: Key, purpose: SignedPurpose, payload: string): Promise<Signed> {
  return { payload, key: owner.fingerprint, signature: toBase64Url(await owner.key.sign(signedBytes(purpose, payload))) };
}

/** One session with real keys and bytes, reproducible because Ed25519 is deterministic. */
export async function workedExample() {
  const [device, owner, newOwner] = await Promise.all([keyOf(0), keyOf(32), keyOf(64)]);
  const challenge: CloudMessageOf<"challenge"> = { t: "challenge", versions: [1], nonce: toBase64Url(counting(96)) };
  const facts = {
    nonce: challenge.nonce,
    deviceId: device.fingerprint,
    audience: "wss://cloud.example",
    bootId: "0f5e2a52-7c3b-4d0e-9a51-2f3cbb1d7a10",
    epoch: 7,
  };
  const bytes = helloBytes(facts);
  const nothing = { stored: 0, oldest: 1, newest: 0 };
  const hello: Hello = {
    t: "hello",
    version: 1,
    deviceId: facts.deviceId,
    publicKey: device.publicKey,
    signature: toBase64Url(await device.key.sign(bytes)),
    audience: facts.audience,
    bootId: facts.bootId,
    epoch: facts.epoch,
    agent: { version: "0.1.0", platform: "raspberry-pi" },
    clock: { wallMs: 1_795_385_105_000, quality: "synced" },
    log: "log-5a1c",
    streams: {
      outcome: { stored: 3, oldest: 4, newest: 3 },
      alarm: nothing,
      play: { stored: 118, oldest: 119, newest: 240 },
      event: nothing,
      metric: { stored: 40, oldest: 41, newest: 52 },
    },
    desiredVersion: 4,
    reportedVersion: 31,
    profileHash: toHex(await nodeCrypto.sha256(counting(0))),
    openCommands: [],
    owner: owner.fingerprint,
  };
  const command: CommandPayload = {
    device: device.fingerprint,
    id: "c-1",
    attempt: 1,
    number: 12,
    name: "display.power",
    params: { on: false },
    issuedMs: 1_795_385_110_000,
    notAfterMs: 1_795_385_230_000,
    ttlMs: 120_000,
  };
  const desired = {
    device: device.fingerprint,
    version: 5,
    issuedMs: 1_795_385_111_000,
    document: { display: { brightness: 40 } },
  };
  const release = { device: device.fingerprint, number: 13, issuedMs: 1_795_385_120_000 };
  const endorsement = await signed(owner, "owner-key", ownerKeyPayload(device.fingerprint, newOwner.publicKey));
  return {
    device,
    owner,
    newOwner,
    challenge,
    hello,
    helloText: new TextDecoder().decode(bytes),
    helloHex: toHex(bytes),
    command: await signed(owner, "command", JSON.stringify(command)),
    cancel: await signed(
      owner,
      "cancel",
      JSON.stringify({ device: device.fingerprint, id: "c-1", attempt: 1, number: 14, issuedMs: 1_795_385_121_000 }),
    ),
    desired: await signed(owner, "desired", JSON.stringify(desired)),
    release: await signed(owner, "release", JSON.stringify(release)),
    endorsement,
  };
}
