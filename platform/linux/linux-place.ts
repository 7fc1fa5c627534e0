import type { MachinePlace } from "../ports/machine-place.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";

const TIMEOUT_MS = 15_000;

/** The unit `vitrine-country@.service` sets the country as root; polkit lets the agent's user start it. */
export class LinuxPlace implements MachinePlace {
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  async setCountry(code: string): Promise<Result<void>> {
    const done = await this.#run("systemctl", ["start", "--no-ask-password", `vitrine-country@${code}.service`], TIMEOUT_MS);
    return done.ok ? ok(undefined) : fail("place.not-set", `the country of the radio could not be set: ${done.error.message}`, "the agent's user needs the polkit rule and the unit of the package");
  }
}
