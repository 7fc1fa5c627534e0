import type { CecReply } from "../ports/cec.ts";
import { OPCODE, POWER_STATUS, USER_CONTROL } from "../displays/cec/opcodes.ts";
import type { SimulatedWorld } from "./world.ts";
import type { WorldState } from "./world-state.ts";

type Reply = NonNullable<CecReply["reply"]>;
type Input = WorldState["display"]["input"];

/** Where each input of the simulated TV sits in the HDMI tree; we are on HDMI 1. */
/** Where the simulated device is plugged in: its physical address is 1.0.0.0. */
export const OWN_INPUT: Input = "hdmi-1";

export const TV_INPUTS: ReadonlyMap<Input, number> = new Map([
  ["tuner", 0x0000],
  ["hdmi-1", 0x1000],
  ["hdmi-2", 0x2000],
]);

/** What the TV does with a message; a lying one acknowledges these and leaves everything as it is. */
const ORDERS: ReadonlyMap<number, (world: SimulatedWorld, operands: Uint8Array) => void> = new Map([
  [OPCODE.imageViewOn, (world: SimulatedWorld) => world.turnDisplay(true)],
  [OPCODE.standby, (world: SimulatedWorld) => world.turnDisplay(false)],
  [OPCODE.activeSource, switchInput],
  [OPCODE.setStreamPath, switchInput],
  [OPCODE.userControlPressed, pressKey],
  [OPCODE.userControlReleased, () => {}],
]);

/** What the TV answers. Even a lying one answers queries truthfully, as real ones do; this is how they are detected. */
const QUESTIONS: ReadonlyMap<number, (display: WorldState["display"]) => Reply> = new Map<
  number,
  (display: WorldState["display"]) => Reply
>([
  [
    OPCODE.giveDevicePowerStatus,
    (display) => ({ opcode: OPCODE.reportPowerStatus, operands: Uint8Array.of(POWER_STATUS.indexOf(display.power)) }),
  ],
  [
    OPCODE.giveAudioStatus,
    (display) => ({ opcode: OPCODE.reportAudioStatus, operands: Uint8Array.of(display.volume | (display.mute ? 0x80 : 0)) }),
  ],
  // The active source answers this, not the TV. The bus answers for whichever box is shown, ourselves included.
  [
    OPCODE.requestActiveSource,
    (display) => {
      const address = TV_INPUTS.get(display.input) ?? 0;
      return { opcode: OPCODE.activeSource, operands: Uint8Array.of(address >> 8, address & 0xff) };
    },
  ],
]);

/** Unknown messages are answered with Feature Abort. */
export function knownToTv(opcode: number): boolean {
  return ORDERS.has(opcode) || QUESTIONS.has(opcode) || opcode === OPCODE.featureAbort;
}

/** Applies one message to the TV and returns its reply, if any. */
export function tvReceives(world: SimulatedWorld, opcode: number, operands: Uint8Array): CecReply["reply"] {
  const { display } = world.state;
  const question = QUESTIONS.get(opcode);
  if (question !== undefined) return question(display);
  if (opcode === OPCODE.featureAbort) return undefined;
  const order = ORDERS.get(opcode);
  // Reason 0: unrecognised opcode.
  if (order === undefined) return { opcode: OPCODE.featureAbort, operands: Uint8Array.of(opcode, 0) };
  if (display.mood !== "lying") order(world, operands);
  return undefined;
}

function switchInput(world: SimulatedWorld, operands: Uint8Array): void {
  const address = ((operands[0] ?? 255) << 8) | (operands[1] ?? 255);
  const input = [...TV_INPUTS].find(([, candidate]) => candidate === address)?.[0];
  if (input !== undefined) world.updateDisplay({ input });
}

function pressKey(world: SimulatedWorld, operands: Uint8Array): void {
  const { volume, mute } = world.state.display;
  switch (operands[0]) {
    case USER_CONTROL.volumeUp:
      return world.updateDisplay({ volume: Math.min(100, volume + 1) });
    case USER_CONTROL.volumeDown:
      return world.updateDisplay({ volume: Math.max(0, volume - 1) });
    case USER_CONTROL.mute:
      return world.updateDisplay({ mute: !mute });
    case USER_CONTROL.muteFunction:
      return world.updateDisplay({ mute: true });
    case USER_CONTROL.restoreVolumeFunction:
      return world.updateDisplay({ mute: false });
    default:
      // Keys for menus and play lists: nothing the rest of the system could see.
      return undefined;
  }
}
