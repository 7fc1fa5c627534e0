import { constants } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backlight, BacklightState, OpenBacklight } from "../../ports/backlight.ts";
import type { Timers } from "../../ports/clock.ts";
import { err, fail, ok, type Result } from "../../ports/result.ts";
import { KernelCalls, withoutAnswer } from "../kernel/kernel-calls.ts";
import type { SystemError } from "../kernel/native.ts";
import type { MachineFiles } from "../machine-files.ts";

const FOLDER = "sys/class/backlight";
/** The kernel's advice where one panel has several (Documentation/ABI/stable/sysfs-class-backlight). */
const BEST_FIRST = ["firmware", "platform", "raw"];
/** FB_BLANK_UNBLANK and FB_BLANK_POWERDOWN. */
const POWER = { on: "0", off: "4" } as const;

/** As a shell's `>`, but never making a file. */
const WRITE = constants.O_WRONLY | constants.O_TRUNC;

export interface OpenBacklightDeps {
  readonly files: MachineFiles;
  /** Where /sys is. */
  readonly root: string;
  readonly timers: Timers;
}

/** Opens backlights of the kernel's class. */
export function backlightOpener({ files, root, timers }: OpenBacklightDeps): OpenBacklight {
  return ({ output, connection }) => {
    const found = findBacklight(files, { output, connection });
    // A driver behind I2C or a serial wire takes its time and may hang: never on this thread.
    return Promise.resolve(found.ok ? ok(new LinuxBacklight(join(root, FOLDER, found.value), new KernelCalls(timers, `backlight.${found.value}`))) : found);
  };
}

/** The folder's name of the backlight that is meant. */
export function findBacklight(files: MachineFiles, { output, connection }: { readonly output: string | undefined; readonly connection: string | undefined }): Result<string> {
  const all = files.names(FOLDER);
  const names = all.filter((name) => (connection === undefined ? output === undefined || belongsTo(files, name, output, all.length) : name === connection));
  const ranked = names.map((name) => ({ name, rank: BEST_FIRST.indexOf(typeOf(files, name)) }));
  const best = Math.min(...ranked.map(({ rank }) => rank));
  const [only, ...others] = ranked.filter(({ rank }) => rank === best);
  if (only !== undefined && others.length === 0) return ok(only.name);
  if (only !== undefined) return fail("backlight.none", `several backlights come into question: ${names.join(", ")}`, "name one as the display's connection");
  return fail("backlight.none", `this machine has no backlight${connection === undefined ? (output === undefined ? "" : ` of the output ${output}`) : ` ${connection}`}`, all.length === 0 ? "it has none at all" : `it has ${all.join(", ")}`);
}

/** By the connector's folder, which the kernel links or contains. The only backlight, linked to none, may belong to any. */
function belongsTo(files: MachineFiles, name: string, output: string, count: number): boolean {
  const device = files.link(join(FOLDER, name, "device"))?.split("/").at(-1) ?? "";
  const connector = /^card\d+-(.+)$/.exec(device)?.[1];
  return connector === undefined ? count === 1 : connector === output;
}

function typeOf(files: MachineFiles, name: string): string {
  const type = files.text(join(FOLDER, name, "type"));
  return type.ok ? type.value : "";
}

class LinuxBacklight implements Backlight {
  readonly #folder: string;
  readonly #calls: KernelCalls;

  constructor(folder: string, calls: KernelCalls) {
    this.#folder = folder;
    this.#calls = calls;
  }

  async look(): Promise<Result<BacklightState>> {
    const max = await this.#number("max_brightness");
    if (!max.ok) return issueOf(max.error);
    const level = await this.#number("brightness");
    if (!level.ok) return issueOf(level.error);
    const actual = await this.#number("actual_brightness");
    const power = await this.#number("bl_power");
    // Both may be missing. Other errors of theirs say nothing about the level.
    return ok({ level: level.value, max: max.value, ...(actual.ok && { actual: actual.value }), ...(power.ok && { isOn: power.value === 0 }) });
  }

  setLevel(level: number): Promise<Result<void>> {
    return this.#write("brightness", String(level));
  }

  setPower(on: boolean): Promise<Result<void>> {
    return this.#write("bl_power", on ? POWER.on : POWER.off);
  }

  async #number(file: string): Promise<Result<number, SystemError>> {
    const text = await this.#calls.run(() => attempt(() => readFile(join(this.#folder, file), "utf8")));
    if (!text.ok) return text;
    return /^\d+\s*$/.test(text.value) ? ok(Number(text.value)) : err({ name: "EBADMSG" });
  }

  async #write(file: string, text: string): Promise<Result<void>> {
    const written = await this.#calls.run(() => attempt(() => writeFile(join(this.#folder, file), text, { flag: WRITE })));
    return written.ok ? ok(undefined) : issueOf(written.error);
  }
}

async function attempt<T>(call: () => Promise<T>): Promise<Result<T, SystemError>> {
  try {
    return ok(await call());
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === undefined) throw thrown;
    return err({ name: code });
  }
}

function issueOf(error: SystemError): Result<never> {
  const { name } = error;
  const silence = withoutAnswer(error);
  if (silence !== undefined) return fail("backlight.failed", `the backlight's driver ${silence}`);
  switch (name) {
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
      return fail("display.unplugged", "the backlight is gone", "check the panel's cable");
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return fail("backlight.no-access", `the kernel refuses access to the backlight (${name})`, "install scripts/systemd/vitrine-displays.rules");
    default:
      return fail("backlight.failed", `the backlight's driver answered ${name}`);
  }
}
