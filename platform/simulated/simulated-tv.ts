import type { CecReply } from "../ports/cec.ts";
import { OPCODE, POWER_STATUS, USER_CONTROL } from "../displays/cec/opcodes.ts";
import type { SimulatedWorld } from "./world.ts";
import type { WorldState } from "./world-state.ts";

type Reply = NonNullable<CecReply["reply"]>;
type Input = WorldState["display"]["input"];

/** The TV input of the simulated device, whose physical address is 1.0.0.0. */
export const OWN_INPUT: Input = "hdmi-1";

/** Physical address of each input of the simulated TV. */
export const TV_INPUTS: ReadonlyMap<Input, number> = new Map([
  ["tuner", 0x0000],
  ["hdmi-1", 0x1000],
  ["hdmi-2", 0x2000],
]);

/** The TV's action for each message. A lying TV acknowledges the message and does nothing. */
const ORDERS: ReadonlyMap<number, (world: SimulatedWorld, operands: Uint8Array) => void> = new Map([
  [OPCODE.imageViewOn, (world: SimulatedWorld) => world.turnDisplay(true)],
  [OPCODE.standby, (world: SimulatedWorld) => world.turnDisplay(false)],
  [OPCODE.activeSource, switchInput],
  [OPCODE.setStreamPath, switchInput],
  [OPCODE.userControlPressed, pressKey],
  [OPCODE.userControlReleased, () => {}],
]);

/** The TV's reply to each query. Even a lying TV answers queries truthfully, as real ones do; that is how it is detected. */
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
  // On a real bus the active source answers this. Here the answer is the selected input, ours included.
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
      // Other keys (menus, playback) have no effect that the system could see.
      return undefined;
  }
}
