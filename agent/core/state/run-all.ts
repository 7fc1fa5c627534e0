/**
 * Runs the parts of one unit together. When one fails, the others are stopped and awaited before the failure is
 * rethrown, so that a supervisor never restarts the unit while half of the old one is still running.
 */
export async function runAll(signal: AbortSignal, parts: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const failures: unknown[] = [];
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part(stop.signal);
        // When a part ends early, the whole unit ends and is restarted.
        stop.abort("a part ended");
      } catch (thrown) {
        // Rethrown below, once all other parts have ended.
        failures.push(thrown);
        stop.abort("a part broke");
      }
    }),
  );
  signal.removeEventListener("abort", onAbort);
  if (failures.length > 0) throw failures[0] instanceof Error ? failures[0] : new Error(String(failures[0]));
}
