/** Exit codes of the host, for its launcher. */
export const EXIT = {
  /** Stopped by a signal, or the launcher is gone. */
  stopped: 0,
  /** A bug; the log has it. */
  crashed: 1,
  /** Wrong arguments or unusable data folder: a restart will not help. */
  usage: 2,
  /** Another host uses this data folder. */
  alreadyRunning: 65,
  /** A browser on trial showed no picture (sysexits EX_UNAVAILABLE): try another one. The last line of stderr says why. */
  unproven: 69,
  /** The agent requested a restart (sysexits EX_TEMPFAIL): restart at once. */
  restart: 75,
} as const;
