import { execFileSync, spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Raspberry Pi 3B, or QEMU's virt machine: its PL061 has real GPIO edges, one pulse of 100 ms on line 3 for each `PULSE` on its console. */
export type MachineKind = "raspi3b" | "virt";

export interface BootOptions {
  readonly machine: MachineKind;
  /** The card's folder. */
  readonly card: string;
  /** Files of the job; `job.sh` is run as root, without systemd. */
  readonly jobDir: string;
  readonly limitMs: number;
  /** Everything the machine prints is written here too. */
  readonly consolePath: string;
}

export interface BootEnd {
  /** Exit status of the job, or `undefined` if no end was seen in time or the kernel panicked. */
  readonly status: number | undefined;
  readonly console: string;
}

/** Boots an emulated machine on a throw-away copy of the card, runs the job and ends the machine. */
export async function boot({ machine, card, jobDir, limitMs, consolePath }: BootOptions): Promise<BootEnd> {
  const stage = mkdtempSync(join(tmpdir(), "pi-bench-"));
  try {
    const initrd = packInitrd(card, jobDir, stage);
    const console = await runMachine({ machine, card, initrd, monitor: join(stage, "monitor") }, limitMs, consolePath);
    const status = /^JOB-END rc=(\d+)/m.exec(console)?.[1];
    return { status: status === undefined ? undefined : Number(status), console };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The job travels in the initramfs: the kernel unpacks archives that follow one another, in turn. */
function packInitrd(card: string, jobDir: string, stage: string): string {
  const job = join(stage, "files", "job");
  mkdirSync(job, { recursive: true });
  cpSync(jobDir, job, { recursive: true });
  cpSync(join(import.meta.dirname, "guest", "init.sh"), join(job, "init"));
  const archive = execFileSync("bash", ["-c", "chmod +x job/init && find job | cpio --quiet -o -H newc | gzip -1"], { cwd: join(stage, "files"), maxBuffer: 256 * 1024 * 1024 });
  const path = join(stage, "initrd.gz");
  writeFileSync(path, Buffer.concat([readFileSync(join(card, "initrd.gz")), archive]));
  return path;
}

interface MachineSetup {
  readonly machine: MachineKind;
  readonly card: string;
  readonly initrd: string;
  /** Socket of QEMU's monitor. */
  readonly monitor: string;
}

function qemuArguments({ machine, card, initrd, monitor }: MachineSetup): readonly string[] {
  const disk = join(card, "sd.img");
  const own =
    machine === "raspi3b"
      ? ["-dtb", join(card, "pi.dtb"), "-drive", `file=${disk},if=sd,format=raw`, "-device", "usb-net,netdev=net0", "-netdev", "user,id=net0", "-serial", "stdio", "-serial", "null"]
      : ["-cpu", "cortex-a53", "-nic", "none", "-drive", `file=${disk},if=virtio,format=raw`, "-serial", "stdio"];
  const root = machine === "raspi3b" ? "/dev/mmcblk0" : "/dev/vda";
  return [
    "-M", machine, "-m", "1G", "-display", "none", "-monitor", `unix:${monitor},server,nowait`, "-no-reboot", "-snapshot",
    "-kernel", join(card, "vmlinuz"), "-initrd", initrd,
    "-append", `console=ttyAMA0,115200 root=${root} rw quiet loglevel=4 panic=2 init=/run/job/init`,
    ...own,
  ];
}

/** Raises the virt machine's line 3 for 100 ms. */
function pulse(monitor: string): void {
  const socket = connect(monitor, () => void socket.write("system_powerdown\n"));
  // The machine may have ended meanwhile; the suite then reports the missing edge.
  socket.on("error", () => {});
  socket.setTimeout(500, () => socket.destroy());
  socket.resume();
}

function runMachine(setup: MachineSetup, limitMs: number, consolePath: string): Promise<string> {
  const machine = spawn("qemu-system-aarch64", qemuArguments(setup), { stdio: ["ignore", "pipe", "inherit"] });
  const file = createWriteStream(consolePath);
  return new Promise((resolve, reject) => {
    let console = "";
    let pulses = 0;
    // SIGKILL: after a panic the emulator stays, and an orderly end has no meaning for a throw-away card.
    const end = (): boolean => machine.kill("SIGKILL");
    const timer = setTimeout(end, limitMs);
    machine.stdout.on("data", (chunk: Buffer) => {
      file.write(chunk);
      console += chunk.toString("latin1").replaceAll("\r", "");
      for (const wanted = (console.match(/^PULSE$/gm) ?? []).length; pulses < wanted; pulses += 1) pulse(setup.monitor);
      if (/^JOB-END rc=\d+|Kernel panic/m.test(console)) end();
    });
    machine.on("error", reject);
    machine.on("close", () => {
      clearTimeout(timer);
      file.end();
      resolve(console);
    });
  });
}
