import { fail, type Result } from "../../ports/result.ts";
import { runForBytes } from "../command-runner.ts";

/** Longest time for one picture. A 4K picture took a Raspberry Pi's processor some seconds of compression. */
export const CAPTURE_TIMEOUT_MS = 15_000;
/** Several times an incompressible 4K picture. */
const PNG_BYTES_MAX = 48 * 1_048_576;

/** Runs grim with these arguments and returns its standard output. Errors: `program.*`. */
export type PictureProgram = (args: readonly string[], environment: Readonly<Record<string, string>>) => Promise<Result<Uint8Array>>;

const runGrimProgram: PictureProgram = (args, environment) => runForBytes("grim", args, { timeoutMs: CAPTURE_TIMEOUT_MS, bytesMax: PNG_BYTES_MAX, environment });

/**
 * A PNG of what is on one output, or on all. Node cannot pass the shared memory that Wayland's copies need, so the program grim
 * does it. Errors: `program.*`, `screenshot.bad-picture`.
 */
export async function captureWithGrim({ socketPath, runGrim = runGrimProgram }: { readonly socketPath: string; readonly runGrim?: PictureProgram }, output: string | undefined): Promise<Result<Uint8Array>> {
  const taken = await runGrim([...(output === undefined ? [] : ["-o", output]), "-t", "png", "-"], { WAYLAND_DISPLAY: socketPath });
  if (!taken.ok) return taken;
  const signature = [0x89, 0x50, 0x4e, 0x47];
  return signature.every((byte, at) => taken.value[at] === byte) ? taken : fail("screenshot.bad-picture", "the picture that grim gave is not a PNG");
}
