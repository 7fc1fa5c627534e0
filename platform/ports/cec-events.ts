import { CEC_KEYS, cecKeyName, type CecKey } from "./cec-keys.ts";
import type { HeardMessage } from "./cec.ts";
import type { DisplayPower } from "./display-properties.ts";

/** What a message of another device on the CEC bus means for a player. */
export type CecEvent =
  /** The TV passes on a key of its remote. Repeated while the key is held. `key`: its name, if it has one. */
  | { readonly kind: "key"; readonly code: number; readonly key?: CecKey }
  | { readonly kind: "key-released" }
  /** The TV went to standby and tells everybody, or tells us alone to go. */
  | { readonly kind: "standby" }
  /** Another source than ours was chosen or says that it is shown, or the TV asks the source at `address` to show itself. */
  | { readonly kind: "source"; readonly address: string }
  /** The TV looks for the active source, as when it comes on. */
  | { readonly kind: "source-wanted" }
  /** The TV says unasked what its power state is (CEC 2.0). */
  | { readonly kind: "power"; readonly power: DisplayPower };

/** Message codes, HDMI 1.4b supplement 1 (CEC), table 7 ff. */
const STANDBY = 0x36;
const USER_CONTROL_PRESSED = 0x44;
const USER_CONTROL_RELEASED = 0x45;
const ROUTING_CHANGE = 0x80;
const ROUTING_INFORMATION = 0x81;
const ACTIVE_SOURCE = 0x82;
const REQUEST_ACTIVE_SOURCE = 0x85;
const SET_STREAM_PATH = 0x86;
const REPORT_POWER_STATUS = 0x90;

/** In the order of the operand of Report Power Status. */
const POWERS: readonly DisplayPower[] = ["on", "standby", "turning-on", "turning-off"];

/** Keys that change the TV itself. */
const TV_KEYS: ReadonlySet<number> = new Set(
  (["power", "volume-up", "volume-down", "mute", "input-select", "power-toggle", "power-off", "power-on"] as const).map((key) => CEC_KEYS[key]),
);

/** The meaning of a message; `undefined` for one that means nothing to a player or is cut short. */
export function cecEvent({ opcode, operands }: HeardMessage): CecEvent | undefined {
  const [first, second, third, fourth] = operands;
  switch (opcode) {
    case USER_CONTROL_PRESSED: {
      if (first === undefined) return undefined;
      const key = cecKeyName(first);
      return { kind: "key", code: first, ...(key !== undefined && { key }) };
    }
    case USER_CONTROL_RELEASED:
      return { kind: "key-released" };
    case STANDBY:
      return { kind: "standby" };
    case ACTIVE_SOURCE:
    case SET_STREAM_PATH:
    case ROUTING_INFORMATION:
      return source(first, second);
    case ROUTING_CHANGE:
      // From the old address to the new one.
      return source(third, fourth);
    case REQUEST_ACTIVE_SOURCE:
      return { kind: "source-wanted" };
    case REPORT_POWER_STATUS: {
      const power = first === undefined ? undefined : POWERS[first];
      return power === undefined ? undefined : { kind: "power", power };
    }
    default:
      return undefined;
  }
}

/** Whether the TV may have another state after it. */
export function changesTv(event: CecEvent): boolean {
  if (event.kind === "key") return TV_KEYS.has(event.code);
  return event.kind !== "key-released";
}

/** A physical address as people write it: 0x2000 is `2.0.0.0`. */
export function physicalAddressText(address: number): string {
  return [12, 8, 4, 0].map((shift) => (address >> shift) & 15).join(".");
}

function source(high: number | undefined, low: number | undefined): CecEvent | undefined {
  return high === undefined || low === undefined ? undefined : { kind: "source", address: physicalAddressText((high << 8) | low) };
}
