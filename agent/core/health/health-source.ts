import type { Alarm } from "../../protocol/records.ts";
import type { ConfigIssue } from "../config/resolve-config.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { LocalRules } from "../rules/rules.ts";
import type { ManagedDisplay } from "../state/managed-display.ts";
import type { PlayerLink } from "../player/player-port.ts";
import { browserSupport } from "../../../player-host/contract/supported-browsers.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { ClockControl, SystemProbe } from "../../../platform/ports/host.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** One part whose health is monitored. */
export interface HealthSource {
  /** Key in the reported `health`. */
  readonly name: string;
  /** Severity of its alarm, which has the issue's code. Absent: only reported, no alarm. */
  readonly alarm?: Alarm["severity"];
  /** What is wrong now; `undefined` when it is well or that cannot be determined. */
  look(): Promise<Issue | undefined> | Issue | undefined;
}

/** Below this nothing can be written reliably, whatever `disk.keepFreeBytes` says. */
export const DISK_FULL_BYTES = 16 * 1024 * 1024;
/** A Raspberry Pi throttles at 80 °C, and further at 85 °C. */
const HOT_C = 80;
const COOL_C = 75;
const CRITICAL_C = 90;
/** A restarting player is absent for a few seconds. */
const PLAYER_AWAY_MS = 15_000;

export function diskSource(probe: SystemProbe, keepFreeBytes: number): HealthSource {
  return {
    name: "disk",
    alarm: "error",
    async look() {
      const disk = await probe.disk();
      if (disk.kind !== "ok") return undefined;
      const { freeBytes, path } = disk.value;
      if (freeBytes < DISK_FULL_BYTES) return { code: "disk.full", message: `less than ${mib(DISK_FULL_BYTES)} MiB are free on the disk of ${path}` };
      if (freeBytes < keepFreeBytes) return { code: "disk.low", message: `less than ${mib(keepFreeBytes)} MiB are free on the disk of ${path}` };
      return undefined;
    },
  };
}

export function temperatureSource(probe: SystemProbe): HealthSource {
  let hot = false;
  return {
    name: "temperature",
    alarm: "warning",
    async look() {
      const temperature = await probe.temperatureC();
      if (temperature.kind !== "ok") return undefined;
      hot = temperature.value >= (hot ? COOL_C : HOT_C);
      if (temperature.value >= CRITICAL_C) return { code: "temperature.critical", message: `the machine is at or above ${CRITICAL_C} °C` };
      return hot ? { code: "temperature.high", message: `the machine is hot (${HOT_C} °C or more; clears below ${COOL_C} °C)` } : undefined;
    },
  };
}

export function clockSource(clock: ClockControl): HealthSource {
  return {
    name: "clock",
    alarm: "warning",
    async look() {
      const unset = (await clock.quality()) === "unset";
      return unset ? { code: "clock.unset", message: "the clock has not been set since the start; schedules do not run until it is" } : undefined;
    },
  };
}

export function playerSource(player: PlayerLink, clock: Clock): HealthSource {
  return {
    name: "player",
    alarm: "critical",
    look() {
      const status = player.status();
      if (status.kind === "present" || clock.monotonicMs() - status.sinceMs < PLAYER_AWAY_MS) return undefined;
      return { code: "player.absent", message: `the player is not connected: ${status.why}` };
    },
  };
}

/** The gravest problem of the player host's browser: no picture, too old, or no sandbox. */
export function browserSource(player: PlayerLink): HealthSource {
  return {
    name: "browser",
    look() {
      const status = player.status();
      if (status.kind === "absent" || status.browser === undefined) return undefined;
      const { name, sandbox, picture } = status.browser;
      const { support, sentence } = browserSupport(name);
      if (picture.kind === "none") return { code: "browser.no-picture", message: `${name} has shown no picture: ${picture.why}` };
      if (support === "too-old") return { code: "browser.too-old", message: sentence ?? name };
      return sandbox ? undefined : { code: "browser.no-sandbox", message: `${name} runs without its sandbox: run the player as its own user, not as root` };
    },
  };
}

export function outboxSource(outbox: Pick<Outbox, "status">): HealthSource {
  return {
    name: "outbox",
    alarm: "error",
    look() {
      const { degraded } = outbox.status();
      return degraded === undefined ? undefined : { code: "outbox.degraded", message: `records are kept in memory only: ${degraded.message}` };
    },
  };
}

export function logSource(trouble: () => Issue | undefined): HealthSource {
  return { name: "log", alarm: "warning", look: trouble };
}

/** The player host's own log, which may be on another disk. */
export function playerLogSource(player: PlayerLink): HealthSource {
  return {
    name: "player-log",
    alarm: "warning",
    look() {
      const status = player.status();
      if (status.kind === "absent" || status.logTrouble === undefined) return undefined;
      return { code: "player.log-not-written", message: `the player host: ${status.logTrouble}` };
    },
  };
}

/** Damage found when the stores were opened. Its alarm is raised elsewhere. Stays until the next start. */
export function storageSource(issues: () => readonly Issue[]): HealthSource {
  return {
    name: "storage",
    look() {
      const found = issues().filter(({ code }) => code !== "storage.quarantined");
      const [first] = found;
      return first === undefined ? undefined : { code: first.code, message: found.map(({ message }) => message).join("; ") };
    },
  };
}

/** Inputs of local rules that cannot be used. */
export function rulesSource(rules: Pick<LocalRules, "issue">, displays: readonly ManagedDisplay[]): HealthSource {
  return {
    name: "rules",
    alarm: "warning",
    look() {
      const powers = displays.flatMap(({ driver, status }) => (driver === "cec" ? (status.latest()?.value.power ?? []) : []));
      const [bus] = powers.flatMap((power) => (power.kind === "failed" && power.error.code.startsWith("cec.") ? [power.error] : []));
      return rules.issue(bus);
    },
  };
}

/** Configuration values that could not be used. Does not change while the agent runs. */
export function configSource(issues: readonly ConfigIssue[]): HealthSource {
  return issuesSource("config", () => issues);
}

/** Hardware that is configured or expected on this machine and cannot be used as it is. `issues` gives the present ones. */
export function hardwareSource(issues: () => readonly Issue[]): HealthSource {
  return issuesSource("hardware", issues);
}

/** The first of the issues, and how many more there are. */
function issuesSource(name: string, issues: () => readonly Issue[]): HealthSource {
  return {
    name,
    look() {
      const [first, ...others] = issues();
      if (first === undefined) return undefined;
      const more = others.length > 0 ? ` (and ${others.length} more)` : "";
      return { code: first.code, message: `${first.message}${first.hint === undefined ? "" : `; ${first.hint}`}${more}` };
    },
  };
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
