/**
 * Exit codes of the agent, for whatever runs it (systemd, the launcher of `npm start`, a test). Numbers follow sysexits.h
 * where it has a matching meaning.
 */
export const EXIT = {
  /** Stopped on request. Do not restart. */
  stopped: 0,
  /** Ended by a bug or an unexpected failure. Restart. */
  failed: 1,
  /** Unknown flags, or flags without a value. Restarting will not help. */
  usage: 2,
  /** The agent asked for a restart. Restart at once. */
  restart: 75,
  /** The simulated machine reboots: start agent and player again. */
  machineReboot: 76,
  /** The simulated machine was shut down: start nothing until somebody switches it on. */
  machineOff: 77,
  /** With --strict: a wrong configuration. Also a Node that is too old. Restarting will not help. */
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
