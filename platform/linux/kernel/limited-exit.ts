import { openNative } from "./native.ts";

/** Time for an exit in which no thread hangs. */
const EXIT_SECONDS_MAX = 3;

/**
 * Limits the exit of this process, however it comes. Node waits in it for the calls on its thread pool, without limit, and a
 * driver or a disk that hangs never gives one back; the kernel then ends the process by SIGALRM. Call it once. Without the native library
 * (`kernel.no-native`) an exit is not limited.
 */
export function limitExit(seconds = EXIT_SECONDS_MAX): void {
  process.once("exit", () => {
    const native = openNative();
    if (native.ok) native.value.alarm(seconds);
  });
}
