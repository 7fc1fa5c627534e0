/** Keys of a TV's remote control by name, and their codes (HDMI 1.4b, CEC table 30). A TV passes on those that it does not use itself. */
export const CEC_KEYS = {
  select: 0x00,
  up: 0x01,
  down: 0x02,
  left: 0x03,
  right: 0x04,
  "root-menu": 0x09,
  "setup-menu": 0x0a,
  "contents-menu": 0x0b,
  "favorite-menu": 0x0c,
  exit: 0x0d,
  "digit-0": 0x20,
  "digit-1": 0x21,
  "digit-2": 0x22,
  "digit-3": 0x23,
  "digit-4": 0x24,
  "digit-5": 0x25,
  "digit-6": 0x26,
  "digit-7": 0x27,
  "digit-8": 0x28,
  "digit-9": 0x29,
  dot: 0x2a,
  enter: 0x2b,
  clear: 0x2c,
  "channel-up": 0x30,
  "channel-down": 0x31,
  "input-select": 0x34,
  info: 0x35,
  help: 0x36,
  power: 0x40,
  "volume-up": 0x41,
  "volume-down": 0x42,
  mute: 0x43,
  play: 0x44,
  stop: 0x45,
  pause: 0x46,
  record: 0x47,
  rewind: 0x48,
  "fast-forward": 0x49,
  eject: 0x4a,
  forward: 0x4b,
  backward: 0x4c,
  guide: 0x53,
  "power-toggle": 0x6b,
  "power-off": 0x6c,
  "power-on": 0x6d,
  blue: 0x71,
  red: 0x72,
  green: 0x73,
  yellow: 0x74,
} as const;

export type CecKey = keyof typeof CEC_KEYS;

export const CEC_KEY_NAMES = Object.keys(CEC_KEYS) as readonly CecKey[];

const NAMES: ReadonlyMap<number, CecKey> = new Map(CEC_KEY_NAMES.map((name) => [CEC_KEYS[name], name]));

/** Name of a key; `undefined` for a code that has none here. */
export function cecKeyName(code: number): CecKey | undefined {
  return NAMES.get(code);
}
