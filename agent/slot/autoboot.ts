import { fail, ok, type Result } from "../../platform/ports/result.ts";

/** The firmware reads no more of the file. */
const AUTOBOOT_BYTES_MAX = 512;

/**
 * `autoboot.txt` of a Raspberry Pi's A/B image: which boot partition the firmware starts from, and which one it tries once
 * (raspberrypi.com/documentation, config.txt, seen 2026-11-30).
 */
export interface Autoboot {
  /** Boot partition of an ordinary boot. */
  readonly ordinary: number;
  /** Boot partition of a try-boot. */
  readonly attempt: number;
}

/** Error: `slot.autoboot`. */
export function readAutoboot(text: string): Result<Autoboot> {
  const found = new Map<string, number>();
  for (const { section, key, value } of lines(text)) if (key === "boot_partition" && /^\d{1,3}$/.test(value ?? "")) found.set(section, Number(value));
  const [ordinary, attempt] = [found.get("all"), found.get("tryboot")];
  if (ordinary === undefined || attempt === undefined) return fail("slot.autoboot", "autoboot.txt names no boot partition for [all] or for [tryboot]");
  return ok({ ordinary, attempt });
}

/** The file's text with both partitions changed and every other line as it was. Error: `slot.autoboot`. */
export function writeAutoboot(text: string, { ordinary, attempt }: Autoboot): Result<string> {
  const wanted = new Map([["all", ordinary], ["tryboot", attempt]]);
  const written = lines(text)
    .map(({ line, section, key }) => (key === "boot_partition" && wanted.has(section) ? `boot_partition=${String(wanted.get(section))}` : line))
    .join("\n");
  if (Buffer.byteLength(written) > AUTOBOOT_BYTES_MAX) return fail("slot.autoboot", `autoboot.txt would have more than the ${AUTOBOOT_BYTES_MAX} bytes that the firmware reads`);
  return ok(written);
}

interface Line {
  readonly line: string;
  readonly section: string;
  readonly key?: string;
  readonly value?: string;
}

function lines(text: string): readonly Line[] {
  let section = "all";
  return text.split("\n").map((line) => {
    section = /^\s*\[([^\]]*)\]/.exec(line)?.[1] ?? section;
    const [, key, value] = /^\s*(\w+)\s*=\s*(\S+)/.exec(line) ?? [];
    return { line, section, ...(key !== undefined && { key }), ...(value !== undefined && { value }) };
  });
}
