import type { Shell } from "../../stage/shell.ts";

/** A shell under test. The suite starts and stops it; `makeShell` gets a fresh data folder. */
export interface ShellUnderTest {
  readonly name: string;
  makeShell(folder: string): Promise<Shell> | Shell;
  /** Whether the picture stays when a load fails. */
  readonly keepsPicture: boolean;
}
