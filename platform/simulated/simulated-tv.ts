import type { CecReply } from "../ports/cec.ts";
import { LOGICAL_ADDRESS, OPCODE, POWER_STATUS, USER_CONTROL } from "../displays/cec/opcodes.ts";
import type { WorldControls } from "./world-controls.ts";
import type { WorldState } from "./world-state.ts";

type Reply = NonNullable<CecReply["reply"]>;
type Input = WorldState["display"]["input"];

/** The TV input of the simulated device, whose physical address is 1.0.0.0. */
export const OWN_INPUT: Input = "hdmi-1";

/** Logical addresses: the TV, ours (Playback Device 1), and the player on the TV's other input (Playback Device 2). */
export const TV_ADDRESS = LOGICAL_ADDRESS.tv;
export const OWN_ADDRESS = 4;
const OTHER_PLAYER = 8;

/** Physical address of each input of the simulated TV. */
export const TV_INPUTS: ReadonlyMap<Input, number> = new Map([
  ["tuner", 0x0000],
  ["hdmi-1", 0x1000],
  ["hdmi-2", 0x2000],
]);

/** The TV's action for each message. A lying TV acknowledges the message and does nothing. */
const ORDERS: ReadonlyMap<number, (world: WorldControls, operands: Uint8Array) => void> = new Map([
  [OPCODE.imageViewOn, (world: WorldControls) => world.turnDisplay(true)],
  [OPCODE.textViewOn, (world: WorldControls) => world.turnDisplay(true)],
  [OPCODE.standby, (world: WorldControls) => world.turnDisplay(false)],
  [OPCODE.activeSource, switchInput],
  [OPCODE.setStreamPath, switchInput],
  [OPCODE.setAudioVolumeLevel, setVolume],
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

/** Reasons of a Feature Abort. */
const UNRECOGNISED = 0;
const REFUSED = 4;

/** Applies one message to the TV and returns its reply, if any. A message for everybody is never refused (CEC 12.3). */
export function tvReceives(world: WorldControls, opcode: number, operands: Uint8Array, isForAll: boolean): CecReply["reply"] {
  const { display } = world.state;
  const question = QUESTIONS.get(opcode);
  if (question !== undefined) return question(display);
  if (opcode === OPCODE.featureAbort) return undefined;
  const order = ORDERS.get(opcode);
  if (order === undefined || display.mood === "refusing") {
    const reason = order === undefined ? UNRECOGNISED : REFUSED;
    return isForAll ? undefined : { opcode: OPCODE.featureAbort, operands: Uint8Array.of(opcode, reason) };
  }
  if (display.mood !== "lying") order(world, operands);
  return undefined;
}

/** What somebody in the shop does with the TV's remote. The TV announces it on the bus as real ones do. */
export function useRemote(world: WorldControls, { power, ...settings }: { readonly power?: "on" | "standby" | undefined } & Partial<Pick<WorldState["display"], "input" | "brightness" | "volume" | "mute">>): void {
  const before = world.state.display;
  world.updateDisplay(settings);
  const { input } = world.state.display;
  if (input !== before.input) announceInput(world, input);
  if (power === undefined) return;
  const wasOn = before.power === "on" || before.power === "turning-on";
  world.turnDisplay(power === "on");
  if (wasOn === (power === "on")) return;
  sayToAll(world, TV_ADDRESS, power === "on" ? OPCODE.requestActiveSource : OPCODE.standby);
}

/** The TV tells the source on the chosen input to show itself; that source, or the TV for its tuner, says that it is shown. */
function announceInput(world: WorldControls, input: Input): void {
  const address = TV_INPUTS.get(input) ?? 0;
  const operands = [address >> 8, address & 0xff];
  if (input === "tuner") return sayToAll(world, TV_ADDRESS, OPCODE.activeSource, ...operands);
  sayToAll(world, TV_ADDRESS, OPCODE.setStreamPath, ...operands);
  if (input !== OWN_INPUT) sayToAll(world, OTHER_PLAYER, OPCODE.activeSource, ...operands);
}

function sayToAll(world: WorldControls, source: number, opcode: number, ...operands: number[]): void {
  world.sayOnCec({ source, destination: LOGICAL_ADDRESS.broadcast, opcode, operands: Uint8Array.from(operands) });
}

function switchInput(world: WorldControls, operands: Uint8Array): void {
  const address = ((operands[0] ?? 255) << 8) | (operands[1] ?? 255);
  const input = [...TV_INPUTS].find(([, candidate]) => candidate === address)?.[0];
  if (input !== undefined) world.updateDisplay({ input });
}

function setVolume(world: WorldControls, [volume = 127]: Uint8Array): void {
  if (volume <= 100) world.updateDisplay({ volume });
}

function pressKey(world: WorldControls, operands: Uint8Array): void {
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
    case USER_CONTROL.powerOn:
      return world.turnDisplay(true);
    case USER_CONTROL.powerOff:
      return world.turnDisplay(false);
    default:
      // Other keys (menus, playback) have no effect that the system could see.
      return undefined;
  }
}
