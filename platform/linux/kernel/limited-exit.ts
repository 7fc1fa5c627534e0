import { openNative } from "./native.ts";

/** Time for an exit in which no thread hangs. */
const EXIT_SECONDS_MAX = 3;

/**
 * Limits the exit of this process, however it comes. Node waits in it for the calls on its thread pool, without limit, and a
 * driver or a disk that hangs may not give one back; the kernel then ends the process by SIGALRM. Call it once.
 *
 * Not limited: a call in uninterruptible sleep, which only its driver or a reset of the machine ends; a process without the native
 * library (`kernel.no-native`), or one whose disk hangs before any part has loaded it, since it costs 3 MiB where nothing else needs it.
 */
export function limitExit(seconds = EXIT_SECONDS_MAX): void {
  process.once("exit", () => {
    const native = openNative();
    if (native.ok) native.value.alarm(seconds);
  });
}
