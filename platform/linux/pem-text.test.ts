import { expect, test } from "vitest";
import { decodeText, pemFault, pemLine } from "./pem-text.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";

test.each([PEM, PEM.replaceAll("\n", "\r\n"), `Bag Attributes\n    friendlyName: Möbel\n${PEM}`, `${PEM}anything\n`])("text around a certificate and any line ends are no mistake: %#", (text) => {
  expect(pemFault(text, "CERTIFICATE")).toBeUndefined();
});

test("the header of an encrypted key of the older form is no mistake, and neither is the kind of a key", () => {
  expect(pemFault("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----", "PRIVATE KEY")).toBeUndefined();
  expect(pemFault("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "PRIVATE KEY")).toBeUndefined();
});

test.each([
  ["", 1, "empty"], [" \r\n", 1, "empty"], ["0\u0082\u0001\uFFFD", 1, "DER"], ["hello", 1, "no PEM"], ["\n-----BEGIN CERTIFICATE----\nAAAA", 2, "this line is not"],
  [PEM.replaceAll("CERTIFICATE", "PRIVATE KEY"), 1, "this is a PRIVATE KEY, and a CERTIFICATE"], [PEM.replace(/-----END.*/, ""), 3, "ends without"], [PEM.replace("BBBB", "BB*B"), 3, "characters"],
])("the mistake in %j is in line %i", (text, line, words) => {
  expect(pemFault(text, "CERTIFICATE")).toMatchObject({ line, words: expect.stringContaining(words) as string });
});

test("what an editor saved is decoded, and the first block found", () => {
  for (const bytes of [Buffer.from(`\uFEFF${PEM}`), Buffer.from(`\uFEFF${PEM}`, "utf16le"), Buffer.from(`\uFEFF${PEM}`, "utf16le").swap16(), Buffer.from(PEM)]) expect(decodeText(bytes)).toBe(PEM);
  expect(pemLine(`\r\n\r\n${PEM}`)).toBe(3);
});
