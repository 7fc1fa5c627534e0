import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../runtime/encoding.ts";
import { keyFromSeed, newSeed, nodeCrypto, publicKeyFromRaw, rawPublicKey } from "./node-crypto.ts";
import { systemRandom } from "./system-random.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

describe("Ed25519", () => {
  // RFC 8032, section 7.1, test 2.
  const seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const publicKey = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const message = hex("72");
  const signature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

  test("signs like the RFC's test vector", async () => {
    const key = keyFromSeed(seed);
    expect(toHex(key.publicKey)).toBe(toHex(publicKey));
    expect(toHex(await key.sign(message))).toBe(signature);
    expect(await nodeCrypto.verifyEd25519(publicKey, message, hex(signature))).toBe(true);
  });

  test("a key made by Node has the same raw form", () => {
    const pair = generateKeyPairSync("ed25519");
    const raw = rawPublicKey(pair.publicKey);
    expect(raw).toHaveLength(32);
    expect(toHex(rawPublicKey(pair.privateKey))).toBe(toHex(raw));
    expect(publicKeyFromRaw(raw).equals(pair.publicKey)).toBe(true);
  });

  test("rejects a signature after any single changed bit", async () => {
    const key = keyFromSeed(newSeed(systemRandom));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(511), async (text, bit) => {
        const signed = await key.sign(text);
        expect(await nodeCrypto.verifyEd25519(key.publicKey, text, signed)).toBe(true);
        signed[bit >> 3] = (signed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await nodeCrypto.verifyEd25519(key.publicKey, text, signed)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  test("rejects bytes of any length without an exception", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 }), async (anyKey, anySignature) => {
        expect(await nodeCrypto.verifyEd25519(anyKey, message, anySignature)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test("throws for a seed or key of the wrong length or kind, which is a bug", () => {
    expect(() => keyFromSeed(new Uint8Array(31))).toThrow(RangeError);
    expect(() => publicKeyFromRaw(new Uint8Array(33))).toThrow(RangeError);
    expect(() => rawPublicKey(generateKeyPairSync("x25519").publicKey)).toThrow(TypeError);
  });
});

test("gives the standard's example of SHA-256", async () => {
  expect(toHex(await nodeCrypto.sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("system randomness stays in range and returns the requested number of bytes", () => {
  for (let i = 0; i < 1_000; i++) {
    const value = systemRandom.next();
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThan(1);
  }
  expect(systemRandom.bytes(0)).toHaveLength(0);
  expect(systemRandom.bytes(33)).toHaveLength(33);
  expect(toHex(systemRandom.bytes(16))).not.toBe(toHex(systemRandom.bytes(16)));
});
