import { expect, test } from "vitest";
import { cecEvent, changesTv, physicalAddressText } from "./cec-events.ts";
import { CEC_KEY_NAMES, CEC_KEYS, cecKeyName } from "./cec-keys.ts";

const said = (opcode: number, ...operands: number[]) => cecEvent({ source: 0, destination: 15, opcode, operands: Uint8Array.from(operands) });

test.each<[string, number, number[], object | undefined, boolean]>([
  ["a key with a name", 0x44, [0x72], { kind: "key", code: 0x72, key: "red" }, false],
  ["a key without one", 0x44, [0x5f], { kind: "key", code: 0x5f }, false],
  ["a key that the TV obeys itself", 0x44, [0x41], { kind: "key", code: 0x41, key: "volume-up" }, true],
  ["a key without its code", 0x44, [], undefined, false],
  ["the key's release", 0x45, [], { kind: "key-released" }, false],
  ["standby", 0x36, [], { kind: "standby" }, true],
  ["another active source", 0x82, [0x20, 0x00], { kind: "source", address: "2.0.0.0" }, true],
  ["an active source cut short", 0x82, [0x20], undefined, false],
  ["a stream path", 0x86, [0x31, 0x20], { kind: "source", address: "3.1.2.0" }, true],
  ["a routing change, from the old address to the new one", 0x80, [0x10, 0x00, 0x20, 0x00], { kind: "source", address: "2.0.0.0" }, true],
  ["the TV looking for its source", 0x85, [], { kind: "source-wanted" }, true],
  ["a power state", 0x90, [0x01], { kind: "power", power: "standby" }, true],
  ["a power state there is not", 0x90, [0x07], undefined, false],
  ["what means nothing to a player", 0x46, [], undefined, false],
])("%s", (_what, opcode, operands, expected, changes) => {
  const event = said(opcode, ...operands);
  expect(event).toEqual(expected);
  expect(event !== undefined && changesTv(event)).toBe(changes);
});

test("every key has one name, found by its code", () => {
  expect(CEC_KEY_NAMES.map((name) => cecKeyName(CEC_KEYS[name]))).toEqual(CEC_KEY_NAMES);
});

test("an address is written as four digits", () => {
  expect([0x0000, 0x1000, 0x3f21].map(physicalAddressText)).toEqual(["0.0.0.0", "1.0.0.0", "3.15.2.1"]);
});
