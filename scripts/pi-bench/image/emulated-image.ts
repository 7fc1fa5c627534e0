import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import { GuestShell, type Ran } from "../agent/guest-shell.ts";
import { Machine, type DiskMachineOptions, type MachineKind } from "../machine.ts";
import { withBenchUnits } from "./bench-units.ts";
import { readPpm, type Picture } from "./picture.ts";

const run = promisify(execFile);
/** The emulated controller takes only a card whose size is a power of two; the image is smaller, so that it has to grow. */
const CARD_GIB = 4;
/** The whole of a Debian boots here, several times slower on a busy machine. */
const BOOT_MS_MAX = 25 * 60_000;
const LOOK_MS = 2_000;

const DEVICE_TREE = "bcm2837-rpi-3-b.dtb";
/** QEMU resets the Pi as soon as its watchdog is armed, and an emulated processor may take its time to start things. */
const EMULATED = "console=ttyAMA0,115200 init_on_alloc=0 rcupdate.rcu_expedited=1 systemd.show_status=1 systemd.watchdog_sec=0 systemd.default_timeout_start_sec=15min systemd.default_device_timeout_sec=15min";

/** Where the first partition of an image begins, for mtools. */
const BOOT_PARTITION = "@@1M";

export interface ImageOptions extends Pick<DiskMachineOptions, "memoryGiB" | "forward"> {
  readonly image: string;
  readonly consolePath: string;
  /** `virt` has a screen, which the emulated Pi has not. */
  readonly machine: MachineKind;
  /** Of the cloud that the agent in the image is to reach; absent: an image without one. */
  readonly cloudPort?: number;
  /** A power of two. Default: 4. */
  readonly cardGiB?: number;
}

/** A card image on an emulated machine, on a card of its own that keeps what is written. The image is not changed for it. */
export class EmulatedImage {
  readonly #options: ImageOptions;
  readonly #shell: GuestShell;
  readonly #folder: string;
  #machine: Machine | undefined;
  #bootId: string | undefined;
  #startedMs = 0;
  /** How long the last boot took until the bench was in. */
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
    await run("cp", ["--sparse=always", options.image, emulated.card]);
    truncateSync(emulated.card, (options.cardGiB ?? CARD_GIB) * 1024 ** 3);
    for (const [name, from] of files) await run("mcopy", ["-i", `${emulated.card}${BOOT_PARTITION}`, from, `::${name}`]);
    return emulated;
  }

  /** A file. Only while the machine is off is it sure to be whole. */
  get card(): string {
    return join(this.#folder, "card.img");
  }

  async close(): Promise<void> {
    await this.#machine?.cutPower();
    this.#shell.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What the agent must call this machine. */
  get adapter(): string {
    return this.#options.machine === "raspi3b" ? "raspberry-pi" : "linux";
  }

  get bootId(): string {
    return this.#bootId ?? "";
  }

  /** Switches the machine on, as the firmware would: kernel, initramfs and command line are those of the boot partition. */
  async boot(): Promise<void> {
    const machine = await this.switchOn();
    const booted = await Promise.race([this.#shell.booted(this.#bootId, BOOT_MS_MAX), machine.seen(/Kernel panic/, BOOT_MS_MAX).then(() => undefined)]);
    if (booted === undefined) throw new Error(`the image did not boot; its console is ${this.#options.consolePath}`);
    this.#bootId = booted;
    this.bootMs = performance.now() - this.#startedMs;
  }

  /** As `boot`, without waiting for anything. `isThrowAway`: nothing of this boot stays on the card. */
  async switchOn({ isThrowAway = false } = {}): Promise<Machine> {
    const { machine, consolePath, cloudPort, memoryGiB, forward } = this.#options;
    const config = await this.bootFile("config.txt");
    const named = (pattern: RegExp): string => pattern.exec(config)?.[1] ?? "";
    const [kernel, initrd] = [named(/^kernel=(.*)$/m), named(/^initramfs (\S+)/m)];
    for (const name of [kernel, initrd, DEVICE_TREE]) await run("mcopy", ["-n", "-o", "-i", `${this.card}${BOOT_PARTITION}`, `::${name}`, join(this.#folder, name)]);
    const append = withBenchUnits(`${(await this.bootFile("cmdline.txt")).trim()} ${EMULATED}`, machine, { shell: this.#shell.port, ...(cloudPort !== undefined && { cloud: cloudPort }) });
    this.#startedMs = performance.now();
    this.#machine = new Machine({
      machine, consolePath, append, isThrowAway, disk: this.card, kernel: join(this.#folder, kernel), initrd: join(this.#folder, initrd),
      ...(machine === "raspi3b" ? { deviceTree: join(this.#folder, DEVICE_TREE) } : { hasScreen: true }),
      ...(memoryGiB !== undefined && { memoryGiB }), ...(forward !== undefined && { forward }),
    });
    return this.#machine;
  }

  /** Since the machine was switched on last. */
  get onMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** What is on the screen now; `undefined` while there is no picture. */
  async screen(): Promise<Picture | undefined> {
    const ppm = this.#machine === undefined || this.#machine.isOver ? undefined : await this.#machine.screen();
    return ppm && readPpm(ppm);
  }

  /** Switches the machine off in order, and waits for it. */
  async shutDown(): Promise<void> {
    // Later, so that the answer is on its way before the bench's own unit is stopped.
    await this.read("systemd-run --quiet --on-active=2s systemctl poweroff");
    if ((await this.#machine?.seen(/(?!)/, BOOT_MS_MAX)) === undefined && this.#machine?.isOver !== true) throw new Error("the machine does not switch itself off");
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
    await run("mcopy", ["-n", "-o", "-i", `${this.card}${BOOT_PARTITION}`, `::${name}`, to]);
    return readFileSync(to, "utf8");
  }

  /** Names a partition in the card's table. Only while the machine is off. */
  async labelPartition(number: number, label: string): Promise<void> {
    await run("sfdisk", ["--quiet", "--part-label", this.card, String(number), label]);
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
  async until<T>(what: string, look: () => Promise<T | undefined>, limitMs = BOOT_MS_MAX, lookMs = LOOK_MS): Promise<T> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > untilMs) throw new Error(`not seen within ${limitMs / 1_000} s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }
}
