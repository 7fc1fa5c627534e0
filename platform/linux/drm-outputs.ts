import type { Clock } from "../ports/clock.ts";
import type { Compositor } from "../ports/compositor.ts";
import type { EdidIdentity, Output, OutputMode, Outputs } from "../ports/outputs.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { crc32 } from "../runtime/crc32.ts";
import { parseEdid } from "./edid.ts";
import type { ChangeSource } from "./change-poll.ts";
import type { MachineFiles } from "./machine-files.ts";

const CONNECTOR = /^card\d+-(.+)$/;
const NOT_OUTPUTS = /^Writeback-/;

/**
 * Connectors from /sys/class/drm. The current mode is available only from debugfs, which
 * needs root, and from the compositor; sysfs lists only possible modes, and these are never reported as the current one.
 */
export class DrmOutputs implements Outputs {
  readonly #files: MachineFiles;
  readonly #clock: Clock;
  readonly #changes: ChangeSource;
  readonly #compositor: Pick<Compositor, "outputs"> | undefined;

  /** `changes` tells when a cable was plugged or pulled. */
  constructor(files: MachineFiles, clock: Clock, changes: ChangeSource, compositor?: Pick<Compositor, "outputs">) {
    this.#files = files;
    this.#clock = clock;
    this.#compositor = compositor;
    this.#changes = changes;
  }

  /** False on a machine without a display controller, where the port is absent rather than an empty list. */
  static present(files: MachineFiles): boolean {
    return connectorFolders(files).length > 0;
  }

  async list(): Promise<readonly Output[]> {
    const outputs = connectorFolders(this.#files).map((folder) => this.#output(folder));
    const isOpen = ({ connected, mode }: Output): boolean => connected.kind === "ok" && connected.value && mode.kind === "unknown";
    if (this.#compositor === undefined || !outputs.some(isOpen)) return outputs;
    const drawn = await this.#compositor.outputs();
    if (!drawn.ok) return outputs;
    return outputs.map((output) => {
      const mode = isOpen(output) ? drawn.value.find(({ name }) => name === output.name)?.mode : undefined;
      return mode === undefined ? output : { ...output, mode };
    });
  }

  onChange(changed: () => void): () => void {
    return this.#changes.onChange(changed);
  }

  close(): void {
    this.#changes.close();
  }

  #output(folder: string): Output {
    const name = CONNECTOR.exec(folder)?.[1] ?? folder;
    const connected = this.#word(folder, "status", { connected: true, disconnected: false });
    const plugged = connected.kind === "ok" && connected.value;
    return {
      name,
      connected,
      enabled: this.#word(folder, "enabled", { enabled: true, disabled: false }),
      dpms: this.#word<"on" | "off">(folder, "dpms", { On: "on", Off: "off", Standby: "off", Suspend: "off" }),
      mode: plugged ? this.#mode(folder, name) : unknown("nothing is plugged in"),
      edid: plugged ? this.#edid(folder) : unknown("nothing is plugged in"),
    };
  }

  #word<T>(folder: string, file: string, meanings: Readonly<Record<string, T>>): Reading<T> {
    const read = this.#files.text(`sys/class/drm/${folder}/${file}`);
    if (!read.ok) return failed(read.error);
    if (!Object.hasOwn(meanings, read.value)) return unknown(`the kernel says "${read.value.slice(0, 40)}"`);
    return seen(meanings[read.value] as T, this.#clock.monotonicMs());
  }

  #edid(folder: string): Reading<EdidIdentity> {
    const read = this.#files.bytes(`sys/class/drm/${folder}/edid`);
    if (!read.ok) return failed(read.error);
    if (read.value.length === 0) return unknown("the sink gives no EDID");
    const parsed = parseEdid(read.value);
    return parsed.ok ? seen(parsed.value, this.#clock.monotonicMs()) : failed(parsed.error);
  }

  #mode(folder: string, name: string): Reading<OutputMode> {
    const card = /^card(\d+)-/.exec(folder)?.[1] ?? "0";
    const state = this.#files.text(`sys/kernel/debug/dri/${card}/state`);
    if (!state.ok) return unknown("the mode in use is in the kernel's debug files, which cannot be read here");
    const mode = modeInState(state.value, name);
    return mode === undefined ? unknown("no mode is set on this connector") : seen(mode, this.#clock.monotonicMs());
  }
}

/**
 * The mode a connector shows, from the text of dri/N/state: the connector names its crtc, the crtc its mode as
 * `"name": refresh clock(kHz) hdisplay hsync.. hsync.. htotal vdisplay vsync.. vsync.. vtotal type flags`.
 */
export function modeInState(state: string, connector: string): OutputMode | undefined {
  const sections = state.split(/\n(?=\S)/);
  const crtcName = sections.find((section) => /^connector\[\d+\]: (.+)$/m.exec(section)?.[1] === connector)?.match(/^\s+crtc=(.+)$/m)?.[1];
  const crtc = sections.find((section) => /^crtc\[\d+\]: (.+)$/m.exec(section)?.[1] === crtcName);
  const numbers = crtc
    ?.match(/^\s+mode: "[^"]*": ([\d ]+) 0x/m)?.[1]
    ?.split(" ")
    .map(Number);
  if (numbers === undefined) return undefined;
  const [, clockKhz = 0, width = 0, , , totalWidth = 0, height = 0, , , totalHeight = 0] = numbers;
  if (width <= 0 || height <= 0 || totalWidth <= 0 || totalHeight <= 0) return undefined;
  return { width, height, refreshHz: Math.round((clockKhz * 100_000) / (totalWidth * totalHeight)) / 100 };
}

/** Text that changes with every plugged, pulled or exchanged display. */
export function drmFingerprint(files: MachineFiles): string {
  return connectorFolders(files)
    .map((folder) => {
      const edid = files.bytes(`sys/class/drm/${folder}/edid`);
      return `${folder}:${textOr(files, `sys/class/drm/${folder}/status`)}:${edid.ok ? crc32(edid.value) : edid.error.code}`;
    })
    .join(" ");
}

function connectorFolders(files: MachineFiles): readonly string[] {
  return files.names("sys/class/drm").filter((name) => {
    const connector = CONNECTOR.exec(name)?.[1];
    return connector !== undefined && !NOT_OUTPUTS.test(connector);
  });
}

function textOr(files: MachineFiles, path: string): string {
  const read = files.text(path);
  return read.ok ? read.value : read.error.code;
}
