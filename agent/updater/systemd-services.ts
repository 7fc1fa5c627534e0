import { fail, ok, type Result } from "../../platform/ports/result.ts";
import type { Services, ServiceState } from "./services.ts";

/** Runs a program; as in `platform/linux/command-runner.ts`. */
export type Run = (program: string, args: readonly string[], timeoutMs: number) => Promise<Result<string>>;

const TIMEOUT_MS = 20_000;
const PROPERTIES = ["Id", "ActiveState", "NRestarts", "Result", "ExecMainCode", "ExecMainStatus"];
/** `ExecMainCode` is the kernel's `si_code` of the child (siginfo_t(5)). */
const ENDS: Readonly<Record<string, string>> = { 1: "exited", 2: "killed", 3: "dumped core" };

/** Services of systemd, asked through `systemctl` and `journalctl`. */
export function systemdServices(run: Run, { systemctl, journalctl }: { readonly systemctl: string; readonly journalctl: string }): Services {
  const nothing = async (args: readonly string[]): Promise<Result<void>> => {
    const done = await run(systemctl, args, TIMEOUT_MS);
    return done.ok ? ok(undefined) : done;
  };
  return {
    async states(units) {
      const shown = await run(systemctl, ["show", `--property=${PROPERTIES.join(",")}`, ...units], TIMEOUT_MS);
      return shown.ok ? readStates(shown.value, units) : shown;
    },
    reload: () => nothing(["daemon-reload"]),
    restart: (units) => nothing(["restart", "--no-block", ...units]),
    async lastLines(units, count) {
      const read = await run(journalctl, [`--lines=${count}`, "--output=short-iso", "--quiet", "--no-pager", ...units.flatMap(linesOf).join(" + ").split(" ")], TIMEOUT_MS);
      return read.ok ? ok(read.value.split("\n").filter((line) => line !== "")) : read;
    },
  };
}

/**
 * What a unit's processes wrote, what systemd wrote about it, and what processes in its session wrote: those are not in the unit, but have its
 * `SyslogIdentifier`, its name. Alternatives, as journalctl(1) takes them with a `+` between.
 */
function linesOf(unit: string): readonly string[] {
  return [`_SYSTEMD_UNIT=${unit}`, `_PID=1 UNIT=${unit}`, `SYSLOG_IDENTIFIER=${unit.replace(/\.service$/, "")}`];
}

/** One block of `Name=value` lines a unit, separated by an empty line. */
function readStates(text: string, units: readonly string[]): Result<Readonly<Record<string, ServiceState>>> {
  const states: Record<string, ServiceState> = {};
  for (const block of text.split("\n\n")) {
    const values = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const unit = values.get("Id");
    if (unit === undefined || !units.includes(unit)) continue;
    const end = ENDS[values.get("ExecMainCode") ?? ""];
    const result = values.get("Result") ?? "";
    const exit = end === undefined ? "" : `${end} ${values.get("ExecMainStatus") ?? ""}`;
    states[unit] = { state: values.get("ActiveState") ?? "", restarts: Number(values.get("NRestarts") ?? 0), exit: [exit, result === "success" ? "" : result].filter((word) => word !== "").join(", ") };
  }
  const missing = units.filter((unit) => states[unit] === undefined);
  return missing.length === 0 ? ok(states) : fail("program.failed", `systemctl did not tell about ${missing.join(", ")}`);
}
