import type { ForcedReset, HostPower } from "../ports/host.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { MachineFiles } from "./machine-files.ts";
import { SystemdReset } from "./systemd-reset.ts";

const COMMAND_TIMEOUT_MS = 15_000;

/** Power through systemd, which stops services in order first. */
export class LinuxHostPower implements HostPower {
  readonly #files: MachineFiles;
  readonly #run: CommandRunner;
  readonly forcedReset: ForcedReset;

  constructor(files: MachineFiles, run: CommandRunner) {
    this.#files = files;
    this.#run = run;
    this.forcedReset = new SystemdReset(files, run);
  }

  /** Throws when the kernel gives none: without it no reboot can be proved, and every Linux has had it since 2.3. */
  bootId(): Promise<string> {
    const read = this.#files.text("proc/sys/kernel/random/boot_id");
    if (!read.ok || read.value === "") return Promise.reject(new Error("the kernel gives no boot id (/proc/sys/kernel/random/boot_id)"));
    return Promise.resolve(read.value);
  }

  reboot(_reason: string): Promise<Result<void>> {
    return this.#systemctl("reboot");
  }

  shutdown(_reason: string): Promise<Result<void>> {
    return this.#systemctl("poweroff");
  }

  async #systemctl(verb: "reboot" | "poweroff"): Promise<Result<void>> {
    const asked = await this.#run("systemctl", [verb], COMMAND_TIMEOUT_MS);
    if (asked.ok) return ok(undefined);
    const hint = "the agent's user needs the right to do it (a polkit rule for org.freedesktop.login1), and systemd has to run";
    return fail("host.refused", `the machine did not take the request to ${verb}: ${asked.error.message}`, hint);
  }
}
