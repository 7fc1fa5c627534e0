import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { ProofCloud } from "../../prove/harness/proof-cloud.ts";
import { releaseTree, systemTree } from "../../package/tree.ts";
import { Machine } from "../machine.ts";
import { GuestShell, type Ran } from "./guest-shell.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const GUEST = join(import.meta.dirname, "..", "guest", "player");
/** Not installed: the bench has settings of its own for the journal and for systemd, and no player. */
const NOT_INSTALLED = /^\/usr\/lib\/systemd\/(?:journald|system)\.conf\.d\/|^\/usr\/lib\/vitrine\/dist\/player-host\/|^\/usr\/share\/pipewire\/|^\/etc\/chromium\//;
/** What takes seconds on an emulated processor and has nothing to do with a player. */
const MASKED_UNITS = [
  "getty@tty1.service", "serial-getty@ttyAMA0.service", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service", "systemd-random-seed.service",
  "systemd-tmpfiles-clean.timer", "systemd-pstore.service", "systemd-modules-load.service", "systemd-repart.service", "proc-sys-fs-binfmt_misc.automount", "sys-kernel-config.mount",
  "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-tracing.mount", "sys-fs-fuse-connections.mount", "kmod-static-nodes.service",
  "modprobe@configfs.service", "modprobe@fuse.service", "modprobe@efi_pstore.service", "modprobe@drm.service", "modprobe@dm_mod.service", "modprobe@loop.service",
];
const MASKED_GENERATORS = ["cryptsetup", "debug", "fstab", "getty", "gpt-auto", "hibernate-resume", "integritysetup", "rc-local", "run", "system-update", "sysv", "veritysetup"];
/** An emulated boot takes half a minute, several times that on a busy machine. */
const BOOT_MS_MAX = 8 * 60_000;
const ANSWER_MS_MAX = 6 * 60_000;
const LOOK_MS = 200;

export interface PlayerOptions {
  /** The card's folder. */
  readonly card: string;
  readonly consolePath: string;
  /** Programs of the bench for the machine, by file name. */
  readonly programs: ReadonlyMap<string, string>;
}

/**
 * An emulated Raspberry Pi with systemd, the built agent as the shipped units install it, and a TV on its CEC bus, beside a
 * development cloud on this machine. Its card is a copy that keeps what is written over power cuts.
 */
export class EmulatedPlayer {
  readonly cloud: ProofCloud;
  readonly #options: PlayerOptions;
  readonly #shell: GuestShell;
  readonly #folder: string;
  #machine: Machine | undefined;
  #bootId: string | undefined;
  deviceId = "";

  private constructor(options: PlayerOptions, shell: GuestShell, cloud: ProofCloud, folder: string) {
    this.#options = options;
    this.#shell = shell;
    this.cloud = cloud;
    this.#folder = folder;
  }

  /** Copies the card and starts the cloud. `dist/` must be built. */
  static async open(options: PlayerOptions): Promise<EmulatedPlayer> {
    const folder = mkdtempSync(join(tmpdir(), "pi-player-"));
    await promisify(execFile)("cp", ["--sparse=always", join(options.card, "sd.img"), join(folder, "sd.img")]);
    return new EmulatedPlayer(options, await GuestShell.listen(), await ProofCloud.start(join(folder, "cloud"), { autoClaim: false }), folder);
  }

  async close(): Promise<void> {
    await this.#machine?.cutPower();
    this.#shell.close();
    await this.cloud.dev.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get bootId(): string {
    return this.#bootId ?? "";
  }

  /** Switches the machine on and waits for its boot id. The first time it installs the agent. */
  async boot(): Promise<string> {
    const job = await this.#makeJob(this.#bootId === undefined);
    this.#machine = new Machine({ machine: "raspi3b", card: this.#options.card, disk: join(this.#folder, "sd.img"), jobDir: job, consolePath: this.#options.consolePath });
    const booted = await Promise.race([this.#shell.booted(this.#bootId, BOOT_MS_MAX), this.#machine.seen(/Kernel panic/, BOOT_MS_MAX).then(() => undefined)]);
    rmSync(job, { recursive: true, force: true });
    if (booted === undefined) throw new Error(`the machine did not boot; its console is ${this.#options.consolePath}`);
    this.#bootId = booted;
    return booted;
  }

  /** Ends the emulator at once. */
  async cutPower(): Promise<void> {
    await this.#machine?.cutPower();
  }

  /** Switches a machine that does not answer off and on. */
  async revive(): Promise<void> {
    const answers = await this.run("true").then(
      () => true,
      () => false,
    );
    if (answers) return;
    await this.cutPower();
    await this.boot();
  }

  /** Waits until the machine has reset itself; false when it did not in time. */
  async resetItself(limitMs: number): Promise<boolean> {
    // The pattern never matches, so only the emulator's end is waited for.
    await this.#machine?.seen(/(?!)/, limitMs);
    return this.#machine?.isOver === true;
  }

  /** Waits until the machine's console shows `pattern`; false when it did not in time, or the machine ended first. */
  async printed(pattern: RegExp, limitMs: number): Promise<boolean> {
    return (await this.#machine?.seen(pattern, limitMs)) !== undefined;
  }

  /** Runs a Bash script on the machine as root. */
  run(script: string, limitMs?: number): Promise<Ran> {
    return this.#shell.run(script, limitMs);
  }

  /** The output of a script that must succeed. */
  async read(script: string, limitMs?: number): Promise<string> {
    const { status, output } = await this.run(script, limitMs);
    if (status !== 0) throw new Error(`ended with ${status}: ${script}\n${output}`);
    return output;
  }

  /** The agent's own answer to `vitrine status`, asked on the machine; `undefined` when it gives none. */
  async status(): Promise<StatusAnswer | undefined> {
    const { status, output } = await this.run("cd / && vitrine status --json");
    return status === 0 ? (JSON.parse(output) as StatusAnswer) : undefined;
  }

  /** Waits until `look` gives something; throws, naming `what`, when it does not in time. */
  async until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, limitMs = ANSWER_MS_MAX): Promise<T> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > untilMs) throw new Error(`not seen within ${limitMs / 1_000} s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Waits until the cloud has a session of this boot. */
  async online(): Promise<void> {
    await this.until("the device is online", () => {
      const link = this.cloud.dev.cloud.context.store.device(this.deviceId)?.link;
      return link?.state === "online" && link.bootId === this.#bootId ? true : undefined;
    });
  }

  /** Sends a command without waiting. */
  send(name: string, params: JsonObject): CommandRow {
    const { cloud } = this.cloud.dev;
    const device = cloud.context.store.device(this.deviceId);
    if (device === undefined) throw new Error("the device is not known to the cloud");
    const made = cloud.commands.create(device, { name, params });
    if (!made.ok) throw new Error(`${name} was not sent: ${made.error.message}`);
    return made.value;
  }

  /** Waits for the final state of a command. */
  outcome({ id, name }: CommandRow): Promise<CommandRow> {
    return this.until(`${name} has an outcome`, () => {
      const row = this.cloud.dev.cloud.context.store.command(this.deviceId, id);
      return row !== undefined && isFinal(row.state) ? row : undefined;
    });
  }

  /** Sends a command and waits for its final state. */
  command(name: string, params: JsonObject): Promise<CommandRow> {
    return this.outcome(this.send(name, params));
  }

  async #makeJob(first: boolean): Promise<string> {
    const job = mkdtempSync(join(tmpdir(), "pi-job-"));
    cpSync(GUEST, job, { recursive: true });
    for (const [name, text] of [["shell-port", String(this.#shell.port)], ["now", String(Math.floor(Date.now() / 1_000))], ...this.#options.programs] as const) writeFileSync(join(job, name), text);
    if (first) await install(join(job, "install"), this.cloud.endpoint);
    const units = join(job, "run", "systemd", "system");
    for (const unit of ["bench-cloud.socket", "bench-cloud.service"]) {
      writeFileSync(join(units, unit), readFileSync(join(units, unit), "utf8").replaceAll("CLOUD_PORT", new URL(this.cloud.endpoint).port));
    }
    mkdirSync(join(units, "multi-user.target.wants"));
    // polkit too, as on a player with a desktop: started by the first reboot command, it takes longer than an emulated one may.
    for (const unit of ["bench-shell.service", "bench-tv.service", "bench-cloud.socket"]) symlinkSync(`../${unit}`, join(units, "multi-user.target.wants", unit));
    symlinkSync("/lib/systemd/system/polkit.service", join(units, "multi-user.target.wants", "polkit.service"));
    for (const unit of MASKED_UNITS) symlinkSync("/dev/null", join(units, unit));
    const generators = join(job, "run", "systemd", "system-generators");
    mkdirSync(generators);
    for (const name of MASKED_GENERATORS) symlinkSync("/dev/null", join(generators, `systemd-${name}-generator`));
    return job;
  }
}

/** The files of the Debian package, from the tree and its `dist/`; Node and koffi are those of the card. */
async function install(to: string, endpoint: string): Promise<void> {
  const ofTheCard = { node: "/usr/local", koffi: "/usr/local/lib/node_modules/@koromix/koffi-linux-arm64" };
  const release = await releaseTree({ root: ROOT, arch: "arm64", version: "0.0.0", ...ofTheCard, player: { kind: "chromium" } });
  const put = (path: string): string => {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    return join(to, path);
  };
  for (const { path, mode, content } of [...release, ...systemTree(ROOT)].filter(({ path }) => !NOT_INSTALLED.test(path))) {
    if ("from" in content && content.from.startsWith("/usr/local/")) symlinkSync(content.from, put(path));
    else {
      writeFileSync(put(path), "text" in content ? content.text : readFileSync(content.from));
      chmodSync(put(path), mode);
    }
  }
  symlinkSync("/usr/lib/systemd/system/vitrine-agent.service", put("etc/systemd/system/multi-user.target.wants/vitrine-agent.service"));
  // Where the cloud is, that it has no certificate, and that an emulated processor may take its time to start. Nothing else differs.
  writeFileSync(put("etc/systemd/system/vitrine-agent.service.d/bench.conf"), `[Service]\nEnvironment=VITRINE_CLOUD_ENDPOINTS=${endpoint} VITRINE_CLOUD_ALLOW_PLAIN=true\nTimeoutStartSec=15min\n`);
}
