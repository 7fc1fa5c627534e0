/** HDMI-CEC message codes this project speaks: HDMI 1.4b supplement 1 (CEC), table 7 ff. */

export const LOGICAL_ADDRESS = { tv: 0, audioSystem: 5, broadcast: 15 } as const;

export const OPCODE = {
  featureAbort: 0x00,
  imageViewOn: 0x04,
  textViewOn: 0x0d,
  standby: 0x36,
  userControlPressed: 0x44,
  userControlReleased: 0x45,
  giveAudioStatus: 0x71,
  setSystemAudioMode: 0x72,
  setAudioVolumeLevel: 0x73,
  reportAudioStatus: 0x7a,
  giveSystemAudioModeStatus: 0x7d,
  systemAudioModeStatus: 0x7e,
  routingChange: 0x80,
  activeSource: 0x82,
  requestActiveSource: 0x85,
  setStreamPath: 0x86,
  deviceVendorId: 0x87,
  giveDeviceVendorId: 0x8c,
  giveDevicePowerStatus: 0x8f,
  reportPowerStatus: 0x90,
} as const;

/** User control codes, CEC table 27. The function codes set a state; the plain mute key toggles. */
export const USER_CONTROL = { volumeUp: 0x41, volumeDown: 0x42, mute: 0x43, muteFunction: 0x65, restoreVolumeFunction: 0x66, powerOff: 0x6c, powerOn: 0x6d } as const;

/** Operand of Report Power Status. */
export const POWER_STATUS = ["on", "standby", "turning-on", "turning-off"] as const;

/** Reply opcode by request opcode. Any other message has no reply except Feature Abort. */
export const REPLY_TO: ReadonlyMap<number, number> = new Map([
  [OPCODE.giveDevicePowerStatus, OPCODE.reportPowerStatus],
  [OPCODE.giveAudioStatus, OPCODE.reportAudioStatus],
  [OPCODE.requestActiveSource, OPCODE.activeSource],
  [OPCODE.giveSystemAudioModeStatus, OPCODE.systemAudioModeStatus],
  [OPCODE.giveDeviceVendorId, OPCODE.deviceVendorId],
]);

/** CEC 5.2.1: maximum time in which a follower replies. */
export const REPLY_TIMEOUT_MS = 1_000;

/** Time on the wire: start bit 4.5 ms, then 10 bits of 2.4 ms for the header and each byte (CEC 5.2). */
export function frameMs(bytes: number): number {
  return 4.5 + 24 * (1 + bytes);
}
