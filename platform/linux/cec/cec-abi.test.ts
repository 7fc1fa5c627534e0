import { expect, test } from "vitest";
import { CEC_CALL, decodeReceived, encodeClaim, encodeTransmit } from "./cec-abi.ts";
import { answerTo } from "./follower.ts";

test("calls are those of linux/cec.h", () => {
  expect(CEC_CALL).toEqual({
    caps: 0xc04c6100, physicalAddress: 0x80026101, logicalAddresses: 0x805c6103, claim: 0xc05c6104,
    transmit: 0xc0386105, receive: 0xc0386106, event: 0xc0506107, setMode: 0x40046109, connector: 0x8044610a,
  });
});

test("a name is ASCII and at most 14 bytes", () => {
  expect(encodeClaim("Eingang Büro 2. OG").subarray(16, 31).toString("latin1")).toBe("Eingang B?ro 2\0");
});

test("a message that was acknowledged and got no reply in time is not a failed one", () => {
  const recorded = Buffer.from("202346f910000000f011ca351100000002000000000000001c00000000000000403600000000000000000000000000000002000000000000", "hex");
  expect(decodeReceived(recorded)).toMatchObject({ sequence: 0x1c, sent: "acknowledged", replied: false, frame: { initiator: 4, destination: 0, opcode: 0x36 } });
});

test("a frame carries header, opcode and operands", () => {
  const bytes = encodeTransmit({ initiator: 4, destination: 0, opcode: 0x44, operands: Uint8Array.of(0x41) }, 0, 0);
  expect([bytes.readUInt32LE(16), ...bytes.subarray(32, 35)]).toEqual([3, 0x40, 0x44, 0x41]);
});

test.each([
  ["a question for our power", { destination: 4, opcode: 0x8f }, [0x90, 0]],
  ["what we do not know", { destination: 4, opcode: 0x1a }, [0x00, 0x1a, 0]],
  ["the same for everybody", { destination: 15, opcode: 0x1a }, undefined],
  ["a refusal, which is never refused", { destination: 4, opcode: 0x00 }, undefined],
  ["a key", { destination: 4, opcode: 0x44 }, undefined],
])("%s is answered as the standard asks", (_what, frame, expected) => {
  const answer = answerTo({ ...frame, initiator: 0, operands: new Uint8Array() });
  expect(answer === undefined ? undefined : [answer.opcode, ...answer.operands]).toEqual(expected);
});
