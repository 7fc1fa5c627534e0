/** Structured log. Field names are camelCase; values must be JSON; secrets are never logged. */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  /** A log whose every line carries `bindings`, for example `{ part: "link" }`. */
  child(bindings: Record<string, unknown>): Log;
}

/** Discards everything. For tests that do not assert on the log. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};
