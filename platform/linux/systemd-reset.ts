import type { ForcedReset } from "../ports/host.ts";
import { fail, ok, type Issue, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { MachineFiles } from "./machine-files.ts";

const COMMAND_TIMEOUT_MS = 15_000;
const UNIT_FILE = "vitrine-reset@.service";
/** systemd's folders for units, in its order (systemd.unit(5)). */
const UNIT_FOLDERS = ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

/**
 * A forced reset by the unit `vitrine-reset@.service`, which runs as root and is not stopped by a shutdown: it waits, then
 * resets the machine through the kernel's SysRq. polkit lets the agent's user start and stop this unit alone.
 */
export class SystemdReset implements ForcedReset {
  readonly #files: MachineFiles;
  readonly #run: CommandRunner;
  #armed: string | undefined;

  constructor(files: MachineFiles, run: CommandRunner) {
    this.#files = files;
    this.#run = run;
  }

  check(): Result<void> {
    if (UNIT_FOLDERS.some((folder) => this.#files.has(`${folder}/${UNIT_FILE}`))) return ok(undefined);
    return fail("reset.no-unit", `the unit ${UNIT_FILE} is not installed`, "install it, vitrine-reset and 50-vitrine.rules from scripts/systemd");
  }

  async arm(delayMs: number): Promise<Result<void>> {
    const present = this.check();
    if (!present.ok) return present;
    const unit = `vitrine-reset@${Math.ceil(delayMs / 1_000)}.service`;
    const asked = await this.#systemctl("start", unit);
    // One that is only late may still start.
    this.#armed = asked.ok || asked.error.code === "program.timed-out" ? unit : undefined;
    return asked.ok ? ok(undefined) : refused(unit, "started", asked.error);
  }

  async disarm(): Promise<Result<void>> {
    if (this.#armed === undefined) return ok(undefined);
    const unit = this.#armed;
    const asked = await this.#systemctl("stop", unit);
    if (!asked.ok) return refused(unit, "stopped", asked.error);
    this.#armed = undefined;
    return ok(undefined);
  }

  #systemctl(verb: "start" | "stop", unit: string): Promise<Result<string>> {
    // --no-ask-password: nobody could answer.
    return this.#run("systemctl", [verb, "--no-ask-password", unit], COMMAND_TIMEOUT_MS);
  }
}

function refused(unit: string, what: "started" | "stopped", { message }: Issue): Result<never> {
  return fail("reset.refused", `${unit} could not be ${what}: ${message}`, "the agent's user needs the polkit rule 50-vitrine.rules");
}
