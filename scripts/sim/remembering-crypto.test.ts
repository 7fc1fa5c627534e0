import { expect, test } from "vitest";
import { keyFromSeed, nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { RememberingCrypto } from "./remembering-crypto.ts";

test("a remembered signature is real, and any other signature is still verified", async () => {
  const crypto = new RememberingCrypto();
  const key = crypto.remembering(keyFromSeed(new Uint8Array(32).fill(7)));
  const other = keyFromSeed(new Uint8Array(32).fill(8));
  const message = Uint8Array.of(1, 2, 3);
  const signature = await key.sign(message);
  expect(await nodeCrypto.verifyEd25519(key.publicKey, message, signature)).toBe(true);
  expect(await crypto.verifyEd25519(key.publicKey, message, signature)).toBe(true);
  expect(await crypto.verifyEd25519(key.publicKey, Uint8Array.of(1, 2, 4), signature)).toBe(false);
  expect(await crypto.verifyEd25519(other.publicKey, message, signature)).toBe(false);
  expect(await crypto.verifyEd25519(key.publicKey, message, signature.map((byte, at) => (at === 5 ? byte ^ 1 : byte)))).toBe(false);
  message[0] = 9;
  expect(await crypto.verifyEd25519(key.publicKey, message, signature)).toBe(false);
});
