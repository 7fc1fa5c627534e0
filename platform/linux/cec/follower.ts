import type { Frame } from "./cec-abi.ts";

const FEATURE_ABORT = 0x00;
const UNRECOGNISED = 0x00;

/** What a playback device answers, beside what the kernel answers itself (addresses, name, vendor, version). */
const ANSWERS: ReadonlyMap<number, { readonly opcode: number; readonly operands: readonly number[] }> = new Map([
  // Give Device Power Status: we are on.
  [0x8f, { opcode: 0x90, operands: [0x00] }],
  // Menu Request: many TVs pass their remote's keys on only to a device whose menu is active.
  [0x8d, { opcode: 0x8e, operands: [0x00] }],
]);

/** Messages that take no answer: Standby, keys and their release, stream and routing changes, and what others report of themselves. */
const TAKEN: ReadonlySet<number> = new Set([0x00, 0x04, 0x0d, 0x36, 0x44, 0x45, 0x47, 0x7a, 0x7e, 0x80, 0x81, 0x82, 0x84, 0x86, 0x87, 0x8e, 0x90, 0x9e]);

/**
 * The answer to a message of another device, or `undefined` if it takes none. A device that receives messages has to refuse
 * those it does not know (CEC 12.3), unless they are for everybody.
 */
export function answerTo({ destination, opcode }: Frame): { readonly opcode: number; readonly operands: Uint8Array } | undefined {
  if (opcode === undefined || destination === 15 || TAKEN.has(opcode)) return undefined;
  const { opcode: answer, operands } = ANSWERS.get(opcode) ?? { opcode: FEATURE_ABORT, operands: [opcode, UNRECOGNISED] };
  return { opcode: answer, operands: Uint8Array.from(operands) };
}
