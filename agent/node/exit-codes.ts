/**
 * What the agent's exit code tells whoever runs it (systemd, the launcher of `npm start`, a test).
 * Numbers follow sysexits.h where it has a meaning for us.
 */
export const EXIT = {
  /** Stopped because it was asked to. Do not restart. */
  stopped: 0,
  /** A bug or an unforeseen failure ended it. Restart. */
  failed: 1,
  /** Restart at once: it asked for it. */
  restart: 75,
  /** The (simulated) machine reboots: agent and player start again. */
  machineReboot: 76,
  /** The (simulated) machine was shut down: nothing starts until somebody switches it on. */
  machineOff: 77,
  /** Wrong flags or, with --strict, a wrong configuration. Restarting will not help. */
  badConfiguration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
