import type { MachinePlace } from "../ports/machine-place.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";

const TIMEOUT_MS = 15_000;

/**
 * Time zone through systemd-timedated, country by the unit `vitrine-country@.service`, which runs as root. polkit lets the
 * agent's user do both.
 */
export class LinuxPlace implements MachinePlace {
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  setTimeZone(name: string): Promise<Result<void>> {
    return this.#ask("the time zone", "timedatectl", ["--no-ask-password", "set-timezone", name]);
  }

  setCountry(code: string): Promise<Result<void>> {
    return this.#ask("the country of the radio", "systemctl", ["start", "--no-ask-password", `vitrine-country@${code}.service`]);
  }

  async #ask(what: string, program: string, args: readonly string[]): Promise<Result<void>> {
    const done = await this.#run(program, args, TIMEOUT_MS);
    return done.ok ? ok(undefined) : fail("place.not-set", `${what} could not be set: ${done.error.message}`, "the agent's user needs the polkit rule and the unit of the package");
  }
}
