import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock, Timers } from "../../ports/clock.ts";
import { parseGpioLines, withConfiguration, type GpioLineSetup } from "../../ports/gpio-lines.ts";
import { fail, ok, type Issue, type Result } from "../../ports/result.ts";
import { deviceFiles, KernelDevice, openDevice } from "../kernel/kernel-device.ts";
import { openNative } from "../kernel/native.ts";
import { decodeChipInfo, decodeLineInfo, encodeLineInfo, GPIO_CALL } from "./gpio-abi.ts";
import { LinuxGpio } from "./linux-gpio.ts";

export interface OpenGpioOptions {
  /** Usually /dev. */
  readonly devDir: string;
  /** Labels of the chip that carries the header, by preference. Chips are chosen by label because their numbers move. */
  readonly labels: readonly string[];
  /** The chips are memory-mapped. False for one behind I2C, SPI or USB, whose calls take as long as that bus. */
  readonly neverBlocks: boolean;
  /** The lines on the header. Absent: every line of the chip, by the kernel's name or as `LINE4`. */
  readonly lines?: readonly GpioLineSetup[];
  /** The configuration key `gpio.lines`. */
  readonly configured: string;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface OpenedGpio {
  readonly gpio: LinuxGpio;
  /** Configured lines that are left out or cannot be put at their safe level. */
  readonly issues: readonly Issue[];
}

/**
 * Opens the header's chip and drives the configured lines to their safe levels. Errors: `kernel.no-native`, `gpio.no-access`,
 * `gpio.io` (there is no such chip, or it does not answer).
 */
export async function openGpio({ devDir, labels, neverBlocks, lines, configured, clock, timers }: OpenGpioOptions): Promise<Result<OpenedGpio>> {
  const native = openNative();
  if (!native.ok) return native;
  const device = new KernelDevice(native.value, timers, { name: "gpio", neverBlocks });
  const chip = await findChip(device, labels, devDir);
  if (!chip.ok) return chip;
  const parsed = parseGpioLines(configured);
  const setup = withConfiguration(lines ?? (await linesOf(device, chip.value)), parsed.lines);
  const gpio = new LinuxGpio({ chip: chip.value.handle, chipName: chip.value.name, device, lines: setup.lines, clock, timers });
  const issues = [...parsed.issues, ...setup.issues];
  for (const { line, level } of setup.safe) {
    const written = await gpio.write(line, level);
    if (!written.ok) issues.push(written.error);
  }
  return ok({ gpio, issues });
}

interface Chip {
  readonly handle: FileHandle;
  readonly name: string;
  /** Number of its lines. */
  readonly lines: number;
}

/** The lines as the kernel names them. Several may have one name, or none. */
async function linesOf(device: KernelDevice, chip: Chip): Promise<readonly GpioLineSetup[]> {
  const found: GpioLineSetup[] = [];
  for (let offset = 0; offset < chip.lines; offset += 1) {
    const bytes = encodeLineInfo(offset);
    const info = await device.ioctl(chip.handle.fd, GPIO_CALL.lineInfo, bytes);
    const name = info.ok ? decodeLineInfo(bytes).name : "";
    const plain = `LINE${offset}`;
    const isOwn = name !== "" && !found.some((other) => other.name === name);
    found.push({ name: isOwn ? name : plain, aliases: isOwn ? [plain] : [], offset });
  }
  return found;
}

async function findChip(device: KernelDevice, labels: readonly string[], devDir: string): Promise<Result<Chip>> {
  const found: string[] = [];
  let refused: Issue | undefined;
  const chips: (Chip & { readonly rank: number })[] = [];
  for (const path of await deviceFiles(devDir, /^gpiochip\d+$/)) {
    const name = basename(path);
    const opened = await openDevice(path);
    if (!opened.ok) {
      refused = accessIssue(name, opened.error.name);
      continue;
    }
    const bytes = Buffer.alloc(68);
    const info = await device.ioctl(opened.value.fd, GPIO_CALL.chipInfo, bytes);
    const { label, lines } = info.ok ? decodeChipInfo(bytes) : { label: undefined, lines: 0 };
    if (label !== undefined) found.push(`${name} (${label})`);
    const rank = label === undefined ? -1 : labels.indexOf(label);
    if (rank === -1) await opened.value.close();
    else chips.push({ handle: opened.value, name, lines, rank });
  }
  const [best, ...others] = chips.sort((a, b) => a.rank - b.rank);
  for (const { handle } of others) await handle.close();
  if (best !== undefined) return ok(best);
  if (refused !== undefined) return { ok: false, error: refused };
  return fail("gpio.io", `no GPIO chip is called ${labels.join(" or ")}; there is ${found.length === 0 ? "none" : found.join(", ")}`);
}

function accessIssue(name: string, errno: string): Issue {
  if (errno === "EACCES" || errno === "EPERM") return { code: "gpio.no-access", message: `/dev/${name} may not be opened by this user`, hint: "add the agent's user to the group gpio" };
  return { code: "gpio.io", message: `/dev/${name} cannot be opened: ${errno}` };
}
