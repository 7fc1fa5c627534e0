import type { Clock, ClockQuality } from "../ports/clock.ts";
import type { ClockControl, ZoneTable } from "../ports/host.ts";
import { seen, unknown, type Effect, type Reading } from "../ports/reading.ts";
import { fail } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { MachineFiles } from "./machine-files.ts";
import type { SavedTime } from "./saved-time.ts";
import { readZoneTable } from "./zone-table.ts";

/** No build of this software runs before this time: an earlier wall clock has not been set. */
export const BUILT_AT_MS = Date.UTC(2026, 10, 1);
const COMMAND_TIMEOUT_MS = 3_000;
/** How long a program's answer is reused, because starting programs is expensive: on a device without a time server for weeks, too. */
const SYNCED_FOR_MS = 600_000;
const NOT_SYNCED_FOR_MS = 60_000;

/** Whether the wall clock can be trusted, by asking whichever time service the machine has. */
export class LinuxClockControl implements ClockControl {
  readonly #files: MachineFiles;
  readonly #run: CommandRunner;
  readonly #clock: Clock;
  readonly #saved: SavedTime | undefined;
  #told: { readonly synced: boolean; readonly atMs: number } | undefined;
  /** The answer that is awaited; callers share it. */
  #asked: Promise<boolean> | undefined;

  /** `saved`: the newest time that is known to have passed. */
  constructor(files: MachineFiles, run: CommandRunner, clock: Clock, saved?: SavedTime) {
    this.#files = files;
    this.#run = run;
    this.#clock = clock;
    this.#saved = saved;
  }

  async quality(): Promise<ClockQuality> {
    const wallMs = this.#clock.wallMs();
    if (wallMs < BUILT_AT_MS) return "unset";
    if (await this.#isSynced()) {
      this.#saved?.confirm(wallMs);
      return "synced";
    }
    return wallMs < (this.#saved?.floorMs() ?? 0) ? "unset" : "local";
  }

  async #isSynced(): Promise<boolean> {
    // systemd-timesyncd has a folder while it runs, and leaves a file in it. timedatectl would start a service each time, to say the same.
    if (this.#files.has("run/systemd/timesync/synchronized")) return true;
    if (this.#files.names("run/systemd").includes("timesync")) return false;
    const nowMs = this.#clock.monotonicMs();
    if (this.#told !== undefined && nowMs - this.#told.atMs < (this.#told.synced ? SYNCED_FOR_MS : NOT_SYNCED_FOR_MS)) return this.#told.synced;
    this.#asked ??= this.#askPrograms().finally(() => (this.#asked = undefined));
    this.#told = { synced: await this.#asked, atMs: nowMs };
    return this.#told.synced;
  }

  timeZone(): Promise<Reading<string>> {
    const fromLink = this.#files.link("etc/localtime")?.split("zoneinfo/")[1];
    const fromFile = this.#files.text("etc/timezone");
    const zone = [fromLink, fromFile.ok ? fromFile.value : undefined].find((name) => name !== undefined && this.#isZone(name));
    return Promise.resolve(
      zone === undefined ? unknown("neither /etc/localtime nor /etc/timezone names a zone") : seen(zone, this.#clock.monotonicMs()),
    );
  }

  /** timedated decides through polkit whether the agent's user may; it also corrects a hardware clock that runs in local time. */
  async setTimeZone(name: string): Promise<Effect<string>> {
    const attempted = this.#isZone(name);
    const done = attempted ? await this.#run("timedatectl", ["--no-ask-password", "set-timezone", name], COMMAND_TIMEOUT_MS) : fail("clock.no-such-zone", `this machine knows no time zone ${name}`, "Install tzdata, or use a name such as Europe/Madrid.");
    const observed = await this.timeZone();
    if (done.ok) return { attempted, acknowledged: true, observed };
    return { attempted, acknowledged: false, observed, error: attempted ? { code: "clock.zone-refused", message: done.error.message } : done.error };
  }

  zoneTable(name: string): ZoneTable | undefined {
    return readZoneTable(this.#files, name);
  }

  /**
   * Checks the machine's own database first: loading the engine's costs several MiB that the process never frees.
   */
  #isZone(name: string): boolean {
    if (!ZONE_NAME.test(name)) return false;
    return this.#files.has(`usr/share/zoneinfo/${name}`) || engineKnows(name);
  }

  /** timedatectl reports the kernel's flag, whoever set it; chrony has its own tool. */
  async #askPrograms(): Promise<boolean> {
    const timedatectl = await this.#run("timedatectl", ["show", "--property=NTPSynchronized", "--value"], COMMAND_TIMEOUT_MS);
    if (timedatectl.ok) return timedatectl.value.trim() === "yes";
    const chrony = await this.#run("chronyc", ["-c", "tracking"], COMMAND_TIMEOUT_MS);
    // The last field is the leap status; "Not synchronised" is one of its values.
    return chrony.ok && ["Normal", "Insert second", "Delete second"].includes(chrony.value.trim().split(",").at(-1) ?? "");
  }
}

/** As the time zone database names its zones. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

function engineKnows(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    // Intl throws a RangeError for an unknown zone.
    return false;
  }
}
