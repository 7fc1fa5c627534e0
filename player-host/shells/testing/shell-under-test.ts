import type { Shell } from "../../stage/shell.ts";

/** A shell under test. The suite starts and stops it; `makeShell` gets a fresh folder for whatever it keeps. */
export interface ShellUnderTest {
  readonly name: string;
  makeShell(folder: string): Promise<Shell> | Shell;
  /** Whether a load that fails leaves the picture that was on. */
  readonly keepsPicture: boolean;
}
