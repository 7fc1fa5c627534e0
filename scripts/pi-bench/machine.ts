import { execFileSync, spawn, type ChildProcessByStdio } from "node:child_process";
import { cpSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, type WriteStream } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { ensurePrograms } from "../setup/kept-build.ts";
import type { Machine as HostMachine } from "../setup/machine.ts";
import type { Result } from "../tool-result.ts";

/** A Raspberry Pi 3B, or QEMU's virt machine: its PL061 has real GPIO edges, one pulse of 100 ms on line 3 for each `PULSE` on its console. */
export type MachineKind = "raspi3b" | "virt";

interface MachineBase {
  readonly machine: MachineKind;
  /** Everything the machine prints is appended here. */
  readonly consolePath: string;
}

/** A machine that boots the bench's own card and runs a job. */
export interface MachineOptions extends MachineBase {
  /** The card's folder. */
  readonly card: string;
  /** A copy of the card's disk that keeps what the machine writes. Absent: the card is used, and what is written is thrown away. */
  readonly disk?: string;
  /** Files of the job, in /run/job there. Its `init` is the machine's first process. */
  readonly jobDir: string;
}

/** A machine that boots a whole disk, with what a Pi's firmware would load from its boot partition. */
export interface DiskMachineOptions extends MachineBase {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Absent: the machine makes its own, as `virt` does. */
  readonly deviceTree?: string;
  /** The kernel's command line. */
  readonly append: string;
  /** On `virt`: a screen (virtio-gpu) and a network with DHCP. A Raspberry Pi has its network anyway; QEMU gives it no screen that Debian's kernel drives. */
  readonly hasScreen?: boolean;
  /** On `virt`. Default: 2. */
  readonly memoryGiB?: number;
  /** With a screen: a port of this machine's loopback that leads to one of the machine. */
  readonly forward?: PortForward;
  /** What is written to the disk is thrown away. */
  readonly isThrowAway?: boolean;
}

export interface PortForward {
  readonly from: number;
  readonly to: number;
}

/** Of QEMU's monitor. */
const PROMPT = "(qemu) ";
const MONITOR_MS_MAX = 30_000;

/** Installs the emulator where it is missing and can be installed. Errors: `setup.packages`, `pi.no-tools`. */
export function ensureEmulator(machine: HostMachine): Promise<Result<void>> {
  return ensurePrograms(machine, ["/usr/bin/qemu-system-aarch64"], ["qemu-system-arm"], "pi.no-tools");
}

/** Machines that run, ended with this process however it ends. */
const running = new Set<ChildProcessByStdio<null, Readable, null>>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

/** A running emulator. A machine that resets itself ends it. */
export class Machine {
  /** Resolves when the emulator is gone; rejects if it could not be started. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #file: WriteStream;
  readonly #monitor: string;
  readonly #onText = new Set<() => void>();
  #console = "";
  #pulses = 0;
  #pictures = 0;
  #isOver = false;

  constructor(options: MachineOptions | DiskMachineOptions) {
    const stage = mkdtempSync(join(tmpdir(), "pi-bench-"));
    this.#monitor = join(stage, "monitor");
    this.#file = createWriteStream(options.consolePath, { flags: "a" });
    const disk = "card" in options ? cardMachine(options, packInitrd(options, stage)) : options;
    this.#child = spawn("qemu-system-aarch64", qemuArguments(disk, this.#monitor), { stdio: ["ignore", "pipe", "inherit"] });
    running.add(this.#child);
    this.#child.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", () => {
        running.delete(this.#child);
        rmSync(stage, { recursive: true, force: true });
        this.#file.end();
        this.#isOver = true;
        for (const look of this.#onText) look();
        resolve();
      });
    });
  }

  /** What the machine has printed. */
  get console(): string {
    return this.#console;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first match on the console; `undefined` when the emulator ends or the time is over before it. */
  seen(pattern: RegExp, limitMs: number): Promise<RegExpExecArray | undefined> {
    return new Promise((resolve) => {
      const finish = (match: RegExpExecArray | undefined): void => {
        clearTimeout(timer);
        this.#onText.delete(look);
        resolve(match);
      };
      const timer = setTimeout(() => finish(undefined), limitMs);
      const look = (): void => {
        const match = pattern.exec(this.#console) ?? undefined;
        if (match !== undefined || this.#isOver) finish(match);
      };
      this.#onText.add(look);
      look();
    });
  }

  /** What is on the machine's screen now, as a PPM file: seen by the emulator, not by anything in the machine. `undefined` while there is none. */
  async screen(): Promise<Buffer | undefined> {
    const path = `${this.#monitor}-${(this.#pictures += 1)}.ppm`;
    // The emulator has just been started.
    if (!existsSync(this.#monitor)) return undefined;
    await this.#order(`screendump ${path}`);
    if (!existsSync(path)) return undefined;
    const picture = readFileSync(path);
    rmSync(path);
    return picture;
  }

  /** Gives QEMU's monitor a command and returns what it says until its next prompt. */
  #order(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#monitor);
      let said = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        const wasReady = said.includes(PROMPT);
        said += chunk;
        if (!wasReady && said.includes(PROMPT)) socket.write(`${command}\n`);
        if (said.split(PROMPT).length > 2) socket.end();
      });
      socket.setTimeout(MONITOR_MS_MAX, () => socket.destroy(new Error(`QEMU's monitor does not answer: ${command}`)));
      socket.on("error", reject);
      socket.on("close", () => resolve(said));
    });
  }

  /** Ends the emulator at once: for the machine its power is cut. */
  async cutPower(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #take(chunk: Buffer): void {
    this.#file.write(chunk);
    this.#console += chunk.toString("latin1").replaceAll("\r", "");
    for (const wanted = (this.#console.match(/^PULSE$/gm) ?? []).length; this.#pulses < wanted; this.#pulses += 1) this.#pulse();
    for (const look of this.#onText) look();
  }

  /** Raises the virt machine's line 3 for 100 ms. */
  #pulse(): void {
    const socket = connect(this.#monitor, () => void socket.write("system_powerdown\n"));
    // The machine may have ended meanwhile; the suite then reports the missing edge.
    socket.on("error", () => {});
    socket.setTimeout(500, () => socket.destroy());
    socket.resume();
  }
}

export interface BootEnd {
  /** Exit status of the job, or `undefined` if no end was seen in time or the kernel panicked. */
  readonly status: number | undefined;
  readonly console: string;
}

/** Boots a machine, runs the job to its end and ends the machine. */
export async function runJob(options: MachineOptions, limitMs: number): Promise<BootEnd> {
  const machine = new Machine(options);
  const [, status] = (await Promise.race([machine.seen(/^JOB-END rc=(\d+)|Kernel panic/m, limitMs), machine.ended])) ?? [];
  await machine.cutPower();
  return { status: status === undefined ? undefined : Number(status), console: machine.console };
}

/** The job travels in the initramfs: the kernel unpacks archives that follow one another, in turn. */
function packInitrd({ card, jobDir }: MachineOptions, stage: string): string {
  const job = join(stage, "files", "job");
  mkdirSync(job, { recursive: true });
  cpSync(jobDir, job, { recursive: true, verbatimSymlinks: true });
  const archive = execFileSync("bash", ["-c", "chmod +x job/init && find job | cpio --quiet -o -H newc | gzip -1"], { cwd: join(stage, "files"), maxBuffer: 256 * 1024 * 1024 });
  const path = join(stage, "initrd.gz");
  writeFileSync(path, Buffer.concat([readFileSync(join(card, "initrd.gz")), archive]));
  return path;
}

/** How the bench's own card is booted. */
function cardMachine({ machine, card, disk, consolePath }: MachineOptions, initrd: string): DiskMachineOptions {
  const root = machine === "raspi3b" ? "/dev/mmcblk0" : "/dev/vda";
  return {
    machine, consolePath, initrd, disk: disk ?? join(card, "sd.img"), isThrowAway: disk === undefined, kernel: join(card, "vmlinuz"), deviceTree: join(card, "pi.dtb"),
    // Memory is not cleared twice, and no process waits for a grace period: both are slow when emulated. Old interface names, so that the network is always usb0.
    append: `console=ttyAMA0,115200 root=${root} rw quiet loglevel=4 panic=2 init_on_alloc=0 rcupdate.rcu_expedited=1 audit=0 net.ifnames=0 init=/run/job/init`,
  };
}

function qemuArguments(disk: DiskMachineOptions, monitor: string): readonly string[] {
  const { machine, kernel, initrd, append, isThrowAway = false } = disk;
  return [
    "-M", machine, "-display", "none", "-monitor", `unix:${monitor},server,nowait`, "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append", append,
    ...(machine === "raspi3b" ? piArguments(disk) : virtArguments(disk)), ...(isThrowAway ? ["-snapshot"] : []),
  ];
}

function piArguments({ disk, deviceTree = "" }: DiskMachineOptions): readonly string[] {
  return ["-m", "1G", "-dtb", deviceTree, "-drive", `file=${disk},if=sd,format=raw`, "-device", "usb-net,netdev=net0", "-netdev", "user,id=net0", "-serial", "stdio", "-serial", "null"];
}

function virtArguments({ disk, hasScreen = false, memoryGiB = 2, forward }: DiskMachineOptions): readonly string[] {
  const rest = ["-drive", `file=${disk},if=virtio,format=raw`, "-serial", "stdio"];
  if (!hasScreen) return ["-m", "1G", "-cpu", "cortex-a53", "-nic", "none", ...rest];
  const forwarding = forward === undefined ? "" : `,hostfwd=tcp:127.0.0.1:${forward.from}-:${forward.to}`;
  return ["-m", `${memoryGiB}G`, "-smp", "2", "-cpu", "cortex-a72", "-device", "virtio-gpu-pci", "-device", "virtio-net-pci,netdev=net0,romfile=", "-netdev", `user,id=net0${forwarding}`, ...rest];
}
