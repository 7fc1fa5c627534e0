import { execFileSync, spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface BootOptions {
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

/** Boots an emulated Raspberry Pi 3B on a throw-away copy of the card, runs the job and ends the machine. */
export async function boot({ card, jobDir, limitMs, consolePath }: BootOptions): Promise<BootEnd> {
  const stage = mkdtempSync(join(tmpdir(), "pi-bench-"));
  try {
    const initrd = packInitrd(card, jobDir, stage);
    const console = await runMachine(card, initrd, limitMs, consolePath);
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

function runMachine(card: string, initrd: string, limitMs: number, consolePath: string): Promise<string> {
  const machine = spawn(
    "qemu-system-aarch64",
    [
      "-M", "raspi3b", "-m", "1G", "-display", "none", "-monitor", "none", "-no-reboot", "-snapshot",
      "-kernel", join(card, "vmlinuz"), "-dtb", join(card, "pi.dtb"), "-initrd", initrd,
      "-append", "console=ttyAMA0,115200 root=/dev/mmcblk0 rw quiet loglevel=4 panic=2 init=/run/job/init",
      "-drive", `file=${join(card, "sd.img")},if=sd,format=raw`,
      "-device", "usb-net,netdev=net0", "-netdev", "user,id=net0",
      "-serial", "stdio", "-serial", "null",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const file = createWriteStream(consolePath);
  return new Promise((resolve, reject) => {
    let console = "";
    // SIGKILL: after a panic the emulator stays, and an orderly end has no meaning for a throw-away card.
    const end = (): boolean => machine.kill("SIGKILL");
    const timer = setTimeout(end, limitMs);
    machine.stdout.on("data", (chunk: Buffer) => {
      file.write(chunk);
      console += chunk.toString("latin1").replaceAll("\r", "");
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
