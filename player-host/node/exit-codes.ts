/** What the host's exit code tells whoever started it. */
export const EXIT = {
  /** Asked to stop (signal, or the launcher is gone). */
  stopped: 0,
  /** A bug; the log has it. */
  crashed: 1,
  /** Wrong arguments, or a data folder that cannot be used: starting again will not help. */
  usage: 64,
  /** Another host has this data folder. */
  alreadyRunning: 65,
  /** A browser on trial showed no picture (sysexits EX_UNAVAILABLE); the last line says why. Another one may. */
  unproven: 69,
  /** The agent asked for a new start (sysexits EX_TEMPFAIL): start it again at once. */
  restart: 75,
} as const;
