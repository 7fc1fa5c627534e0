import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import { GuestShell, type Ran } from "../agent/guest-shell.ts";
import { Machine } from "../machine.ts";

const run = promisify(execFile);
/** The emulated controller takes only a card whose size is a power of two; the image is smaller, so that it has to grow. */
const CARD_BYTES = 4 * 1024 ** 3;
/** The whole of a Debian boots here, several times slower on a busy machine. */
const BOOT_MS_MAX = 25 * 60_000;
const LOOK_MS = 2_000;

/** Where the first partition of an image begins, for mtools. */
const BOOT_PARTITION = "@@1M";

/**
 * A unit that connects to the bench at each boot and runs its scripts, as `guest/player/shell.sh` does. It is no part of the image: systemd
 * takes units from credentials on the kernel's command line (systemd.system-credentials(7)). Quoted for a unit file, where $ and % are doubled. It gives the
 * network its address, as the bench's own card does: over QEMU's USB network NetworkManager got none by DHCP (seen 2026-11-30, not explained).
 */
const SHELL_UNIT = (port: number): string => `[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=2
ExecStart=/bin/bash -c 'ip a replace 10.0.2.15/24 dev usb0;ip l set usb0 up;ip r replace default via 10.0.2.2;exec 3<>/dev/tcp/10.0.2.2/${port}||exit 1;cat /proc/sys/kernel/random/boot_id>&3;while read -r l<&3;do o=$$(base64 -d<<<"$$l"|bash 2>&1 3>&-);s=$$?;echo "$$s $$(base64 -w0<<<"$$o")">&3;done'
`;

export interface ImageOptions {
  readonly image: string;
  readonly consolePath: string;
}

/** A card image on an emulated Raspberry Pi 3B, on a card of its own that keeps what is written. The image is not changed for it. */
export class EmulatedImage {
  readonly #options: ImageOptions;
  readonly #shell: GuestShell;
  readonly #folder: string;
  #machine: Machine | undefined;
  #bootId: string | undefined;
  /** When the machine was switched on last, and how long it took until the bench was in. */
  bootMs = 0;

  private constructor(options: ImageOptions, shell: GuestShell, folder: string) {
    this.#options = options;
    this.#shell = shell;
    this.#folder = folder;
  }

  /** Writes the image to a blank card. `files` are put on its boot partition, as a computer would do it. */
  static async open(options: ImageOptions, files: ReadonlyMap<string, string> = new Map()): Promise<EmulatedImage> {
    const folder = mkdtempSync(join(tmpdir(), "pi-image-"));
    const emulated = new EmulatedImage(options, await GuestShell.listen(), folder);
    await run("cp", ["--sparse=always", options.image, emulated.#card]);
    truncateSync(emulated.#card, CARD_BYTES);
    for (const [name, from] of files) await run("mcopy", ["-i", `${emulated.#card}${BOOT_PARTITION}`, from, `::${name}`]);
    return emulated;
  }

  get #card(): string {
    return join(this.#folder, "card.img");
  }

  async close(): Promise<void> {
    await this.#machine?.cutPower();
    this.#shell.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get bootId(): string {
    return this.#bootId ?? "";
  }

  /** Switches the machine on, as the firmware would: kernel, initramfs and command line are those of the boot partition. */
  async boot(): Promise<void> {
    const config = await this.bootFile("config.txt");
    const named = (pattern: RegExp): string => pattern.exec(config)?.[1] ?? "";
    const [kernel, initrd] = [named(/^kernel=(.*)$/m), named(/^initramfs (\S+)/m)];
    for (const name of [kernel, initrd, "bcm2837-rpi-3-b.dtb"]) await run("mcopy", ["-n", "-o", "-i", `${this.#card}${BOOT_PARTITION}`, `::${name}`, join(this.#folder, name)]);
    const unit = Buffer.from(SHELL_UNIT(this.#shell.port)).toString("base64");
    // QEMU resets the machine as soon as its watchdog is armed, and an emulated processor may take its time to start things.
    const emulated = "init_on_alloc=0 rcupdate.rcu_expedited=1 systemd.watchdog_sec=0 systemd.default_timeout_start_sec=15min systemd.default_device_timeout_sec=15min";
    const extra = `console=ttyAMA0,115200 ${emulated} systemd.wants=bench.service systemd.set_credential_binary=systemd.extra-unit.bench.service:${unit}`;
    const startedMs = performance.now();
    this.#machine = new Machine({
      machine: "raspi3b", consolePath: this.#options.consolePath, disk: this.#card, kernel: join(this.#folder, kernel), initrd: join(this.#folder, initrd),
      deviceTree: join(this.#folder, "bcm2837-rpi-3-b.dtb"), append: `${(await this.bootFile("cmdline.txt")).trim()} ${extra} systemd.show_status=1`,
    });
    const booted = await Promise.race([this.#shell.booted(this.#bootId, BOOT_MS_MAX), this.#machine.seen(/Kernel panic/, BOOT_MS_MAX).then(() => undefined)]);
    if (booted === undefined) throw new Error(`the image did not boot; its console is ${this.#options.consolePath}`);
    this.#bootId = booted;
    this.bootMs = performance.now() - startedMs;
  }

  async cutPower(): Promise<void> {
    await this.#machine?.cutPower();
  }

  async revive(): Promise<void> {
    const answers = await this.run("true").then(
      () => true,
      () => false,
    );
    if (answers) return;
    await this.cutPower();
    await this.boot();
  }

  /** A file of the boot partition. Only while the machine is off is it sure to be whole. */
  async bootFile(name: string): Promise<string> {
    const to = join(this.#folder, "file");
    await run("mcopy", ["-n", "-o", "-i", `${this.#card}${BOOT_PARTITION}`, `::${name}`, to]);
    return readFileSync(to, "utf8");
  }

  run(script: string, limitMs?: number): Promise<Ran> {
    return this.#shell.run(script, limitMs ?? 5 * 60_000);
  }

  /** The output of a script that must succeed. */
  async read(script: string, limitMs?: number): Promise<string> {
    const { status, output } = await this.run(script, limitMs);
    if (status !== 0) throw new Error(`ended with ${status}: ${script}\n${output}`);
    return output;
  }

  /** The answer to `vitrine status`; `undefined` when the agent gives none. */
  async status(): Promise<StatusAnswer | undefined> {
    const { status, output } = await this.run("vitrine status --json 2>/dev/null");
    return status === 0 ? (JSON.parse(output) as StatusAnswer) : undefined;
  }

  /** Waits until `look` gives something; throws, naming `what`, when it does not in time. */
  async until<T>(what: string, look: () => Promise<T | undefined>, limitMs = BOOT_MS_MAX): Promise<T> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > untilMs) throw new Error(`not seen within ${limitMs / 1_000} s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
