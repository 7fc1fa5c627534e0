import { closeSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Clock, Timers } from "../../ports/clock.ts";
import { debounceInRange, pulseInRange, type Gpio, type GpioEdge, type GpioLevel, type GpioLineInfo, type GpioLineRef, type GpioPull } from "../../ports/gpio.ts";
import { claimable, type GpioLineSetup } from "../../ports/gpio-lines.ts";
import { fail, ok, type Issue, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { withoutAnswer, type KernelDevice } from "../kernel/kernel-device.ts";
import type { SystemError } from "../kernel/native.ts";
import { decodeEvents, decodeLineInfo, decodeValue, encodeLineConfig, encodeLineInfo, encodeLineRequest, encodeValues, EVENT_BYTES, GPIO_CALL, grantedFd, LINE_FLAG, type LineConfig, type LineInfo } from "./gpio-abi.ts";
import { holderOf } from "./gpio-holder.ts";

const CONSUMER = "vitrine";
const EVENTS_PER_READ = 16;

export interface LinuxGpioDeps {
  /** The open chip, such as /dev/gpiochip0. Closed by `close`. */
  readonly chip: FileHandle;
  /** Its name under /dev, to find who holds a line. */
  readonly chipName: string;
  readonly device: KernelDevice;
  readonly lines: readonly GpioLineSetup[];
  readonly clock: Clock;
  readonly timers: Timers;
}

interface Watcher {
  readonly edge: (edge: GpioEdge) => void;
  readonly ended?: ((why: Issue) => void) | undefined;
}

/** A line that the kernel has granted to us. It is ours until the file descriptor is closed. */
type Held =
  | { readonly kind: "output"; readonly fd: number }
  | { readonly kind: "input"; readonly fd: number; readonly debounceMs: number; readonly pull: GpioPull | undefined; readonly watchers: Set<Watcher>; readonly stopPolling: () => void };

/**
 * Lines of one chip through the kernel's character device. An output is driven for as long as its descriptor is open; when
 * this process ends, most controllers turn it back into an input.
 */
export class LinuxGpio implements Gpio {
  readonly #deps: LinuxGpioDeps;
  readonly #lanes = new Map<number, OneAtATime>();
  readonly #held = new Map<number, Held>();
  readonly #pulses = new Set<() => void>();
  #isClosing = false;

  constructor(deps: LinuxGpioDeps) {
    this.#deps = deps;
  }

  async lines(): Promise<Result<readonly GpioLineInfo[]>> {
    const infos: GpioLineInfo[] = [];
    for (const line of this.#deps.lines) {
      const info = await this.#info(line.offset);
      if (!info.ok) return ioError(line.name, info.error);
      infos.push(await this.#describe(line, info.value));
    }
    return ok(infos);
  }

  read(ref: GpioLineRef): Promise<Result<GpioLevel>> {
    return this.#inLane(ref, async (line) => {
      const held = this.#held.get(line.offset);
      if (held !== undefined) return this.#value(line, held.fd);
      // Without a direction the line keeps the one it has.
      const flags = line.pull === undefined ? 0 : LINE_FLAG.input | pullFlag(line.pull);
      const fd = await this.#request(line, { flags });
      if (!fd.ok) return fd;
      try {
        return await this.#value(line, fd.value);
      } finally {
        closeSync(fd.value);
      }
    });
  }

  write(ref: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>> {
    return this.#inLane(ref, (line) => this.#drive(line, level));
  }

  async pulse(ref: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>> {
    const range = pulseInRange(durationMs);
    if (!range.ok) return range;
    return this.#inLane(ref, async (line) => {
      const started = await this.#drive(line, level);
      if (!started.ok) return started;
      const startedMs = this.#deps.clock.monotonicMs();
      await this.#pass(line.name, durationMs);
      const ended = await this.#drive(line, level === 1 ? 0 : 1);
      return ended.ok ? ok({ measuredMs: this.#deps.clock.monotonicMs() - startedMs }) : ended;
    });
  }

  async watch(
    ref: GpioLineRef,
    { debounceMs, pull }: { readonly debounceMs: number; readonly pull?: GpioPull },
    edge: (edge: GpioEdge) => void,
    ended?: (why: Issue) => void,
  ): Promise<Result<() => void>> {
    const range = debounceInRange(debounceMs);
    if (!range.ok) return range;
    return this.#inLane(ref, async (line) => {
      const input = await this.#asInput(line, debounceMs, pull ?? line.pull);
      if (!input.ok) return input;
      const watcher = { edge, ended };
      input.value.watchers.add(watcher);
      return ok(() => {
        if (input.value.watchers.delete(watcher) && input.value.watchers.size === 0) this.#release(line.offset);
      });
    });
  }

  /** Ends pulses at once, also those that wait for their line, at their resting level, ends all watching and releases every line. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const endNow of [...this.#pulses]) endNow();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()));
    for (const offset of [...this.#held.keys()]) this.#release(offset);
    await this.#deps.chip.close();
  }

  async #describe(line: GpioLineSetup, { flags, consumer }: LineInfo): Promise<GpioLineInfo> {
    const { name, offset, aliases, reservedFor } = line;
    const held = this.#held.get(offset);
    const used = (flags & LINE_FLAG.used) !== 0;
    const level = held === undefined ? undefined : await this.#value(line, held.fd);
    const pull = pullOf(flags);
    return {
      name,
      offset,
      ...(aliases.length > 0 && { aliases }),
      ...(used && { direction: (flags & LINE_FLAG.output) === 0 ? "input" : "output" }),
      ...(level?.ok === true && { level: level.value }),
      ...(pull !== undefined && { pull }),
      ...(used && held === undefined && { consumer: consumer === "" ? "unnamed" : consumer }),
      ...(reservedFor !== undefined && { reservedFor }),
    };
  }

  async #drive(line: GpioLineSetup, level: GpioLevel): Promise<Result<GpioLevel>> {
    const held = this.#held.get(line.offset);
    if (held?.kind === "input") return fail("gpio.not-an-output", `${line.name} is being watched as an input`, "end the watch before driving the line");
    if (held === undefined) {
      const fd = await this.#request(line, { flags: LINE_FLAG.output | driveFlag(line.drive), level });
      if (!fd.ok) return fd;
      this.#held.set(line.offset, { kind: "output", fd: fd.value });
      return this.#value(line, fd.value);
    }
    const set = await this.#deps.device.ioctl(held.fd, GPIO_CALL.setValues, encodeValues(level));
    return set.ok ? this.#value(line, held.fd) : ioError(line.name, set.error);
  }

  async #asInput(line: GpioLineSetup, debounceMs: number, pull: GpioPull | undefined): Promise<Result<Held & { kind: "input" }>> {
    const held = this.#held.get(line.offset);
    if (held?.kind === "input") {
      if (held.debounceMs === debounceMs && held.pull === pull) return ok(held);
      return fail("gpio.busy", `${line.name} is watched already, with a debounce time of ${held.debounceMs} ms and pull ${held.pull ?? "as it is"}`);
    }
    const flags = LINE_FLAG.input | LINE_FLAG.risingEdge | LINE_FLAG.fallingEdge | (pull === undefined ? 0 : pullFlag(pull));
    const debounceUs = Math.round(debounceMs * 1_000);
    // An output is turned round without letting go of it: if that is refused, it is still driven.
    const fd = held === undefined ? await this.#request(line, { flags, debounceUs }) : await this.#turnRound(line, held.fd, { flags, debounceUs });
    if (!fd.ok) return fd;
    const polling = this.#deps.device.poll(fd.value, ["readable"], () => this.#readEdges(line));
    if (!polling.ok) {
      this.#held.delete(line.offset);
      closeSync(fd.value);
      return ioError(line.name, polling.error);
    }
    const input = { kind: "input", fd: fd.value, debounceMs, pull, watchers: new Set<Watcher>(), stopPolling: polling.value } as const;
    this.#held.set(line.offset, input);
    return ok(input);
  }

  #readEdges(line: GpioLineSetup): void {
    const held = this.#held.get(line.offset);
    if (held?.kind !== "input") return;
    const buffer = Buffer.alloc(EVENTS_PER_READ * EVENT_BYTES);
    let bytes: number;
    try {
      bytes = readSync(held.fd, buffer);
    } catch (thrown) {
      const { code = "EIO" } = thrown as NodeJS.ErrnoException;
      // Woken without an edge.
      if (code === "EAGAIN") return;
      const lost = ioError(line.name, { name: code });
      this.#release(line.offset);
      for (const { ended } of held.watchers) ended?.(lost.error);
      return;
    }
    for (const { timestampNs, level } of decodeEvents(buffer.subarray(0, bytes))) {
      const atMs = this.#deps.clock.monotonicMs() - Number(process.hrtime.bigint() - timestampNs) / 1e6;
      for (const { edge } of [...held.watchers]) edge({ line: line.name, level, atMs });
    }
  }

  #release(offset: number): void {
    const held = this.#held.get(offset);
    if (held === undefined) return;
    this.#held.delete(offset);
    if (held.kind === "input") held.stopPolling();
    closeSync(held.fd);
  }

  async #request(line: GpioLineSetup, config: LineConfig): Promise<Result<number>> {
    const { chip, device } = this.#deps;
    const request = encodeLineRequest({ ...withPolarity(line, config), offset: line.offset, consumer: CONSUMER });
    const granted = await device.ioctl(chip.fd, GPIO_CALL.requestLine, request);
    if (granted.ok) return ok(grantedFd(request));
    return granted.error.name === "EBUSY" ? this.#busy(line) : ioError(line.name, granted.error);
  }

  async #turnRound(line: GpioLineSetup, fd: number, config: LineConfig): Promise<Result<number>> {
    const turned = await this.#deps.device.ioctl(fd, GPIO_CALL.setConfig, encodeLineConfig(withPolarity(line, config)));
    return turned.ok ? ok(fd) : ioError(line.name, turned.error);
  }

  async #busy(line: GpioLineSetup): Promise<Result<never>> {
    const info = await this.#info(line.offset);
    const process = await holderOf(this.#deps.chipName, line.offset);
    const by = info.ok && info.value.consumer !== "" ? `"${info.value.consumer}"` : "an unnamed consumer";
    return fail("gpio.busy", `${line.name} is held by ${by}${process === undefined ? "" : `, ${process}`}`);
  }

  async #value(line: GpioLineSetup, fd: number): Promise<Result<GpioLevel>> {
    const values = encodeValues(0);
    const got = await this.#deps.device.ioctl(fd, GPIO_CALL.getValues, values);
    return got.ok ? ok(decodeValue(values)) : ioError(line.name, got.error);
  }

  async #info(offset: number): Promise<Result<LineInfo, SystemError>> {
    const bytes = encodeLineInfo(offset);
    const got = await this.#deps.device.ioctl(this.#deps.chip.fd, GPIO_CALL.lineInfo, bytes);
    return got.ok ? ok(decodeLineInfo(bytes)) : got;
  }

  /** Runs `act` in the line's lane. Different lines are independent. */
  #inLane<T>(ref: GpioLineRef, act: (line: GpioLineSetup) => Promise<Result<T>>): Promise<Result<T>> {
    const found = claimable(this.#deps.lines, ref);
    if (!found.ok) return Promise.resolve(found);
    const line = found.value;
    const lane = this.#lanes.get(line.offset) ?? new OneAtATime();
    this.#lanes.set(line.offset, lane);
    return lane.run(() => act(line));
  }

  #pass(name: string, durationMs: number): Promise<void> {
    if (this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#pulses.delete(end);
        resolve();
      };
      const timer = this.#deps.timers.after(`gpio.pulse.${name}`, durationMs, end);
      this.#pulses.add(end);
    });
  }
}

function withPolarity({ activeLow }: GpioLineSetup, config: LineConfig): LineConfig {
  return activeLow === true ? { ...config, flags: config.flags | LINE_FLAG.activeLow } : config;
}

function pullFlag(pull: GpioPull): number {
  return { none: LINE_FLAG.noPull, up: LINE_FLAG.pullUp, down: LINE_FLAG.pullDown }[pull];
}

function pullOf(flags: number): GpioPull | undefined {
  return (["up", "down", "none"] as const).find((pull) => (flags & pullFlag(pull)) !== 0);
}

function driveFlag(drive: GpioLineSetup["drive"]): number {
  return { "push-pull": 0, "open-drain": LINE_FLAG.openDrain, "open-source": LINE_FLAG.openSource }[drive ?? "push-pull"];
}

function ioError(name: string, error: SystemError): { readonly ok: false; readonly error: Issue } {
  const { name: errno } = error;
  const silence = withoutAnswer(error);
  if (silence !== undefined) return fail("gpio.io", `${name}: the driver of the GPIO chip ${silence}`, "power-cycle the device if this lasts");
  if (errno === "EACCES" || errno === "EPERM") return fail("gpio.no-access", `${name}: the kernel refuses access to the GPIO chip`, "add the agent's user to the group gpio");
  return fail("gpio.io", `${name}: the kernel answered ${errno}`);
}
