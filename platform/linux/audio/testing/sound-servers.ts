import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportLeftOut } from "../../../../scripts/check/left-out.ts";
import { canInstall, installPackages } from "../../../../scripts/setup/debian-packages.ts";
import { thisMachine } from "../../../../scripts/setup/machine.ts";
import { commandRunner } from "../../command-runner.ts";

/** Programs of the real sound systems, and Debian's packages with them. */
const PROGRAMS = { pulseaudio: "pulseaudio", pactl: "pulseaudio-utils", pipewire: "pipewire", wireplumber: "wireplumber", "pipewire-pulse": "pipewire-pulse", "dbus-daemon": "dbus-daemon", amixer: "alsa-utils" };
/** ALSA's plug-in for sound servers. */
const PLUGINS = "libasound2-plugins";
const STARTS_WITHIN_MS = 15_000;

/** Whether the real programs are there; installs them as root on Debian. Reports what is left out without them. */
export async function provideSoundPrograms(): Promise<boolean> {
  const missing = (): string[] => Object.keys(PROGRAMS).filter((name) => !existsSync(join("/usr/bin", name)));
  if (missing().length > 0 && (await canInstall(thisMachine))) await installPackages(thisMachine, ["--no-install-recommends", ...Object.values(PROGRAMS), PLUGINS]);
  if (missing().length === 0) return true;
  reportLeftOut("sound through the real PipeWire, PulseAudio and ALSA programs", `${missing().join(", ")} missing; as root on Debian they are installed`);
  return false;
}

/** Sound servers in a runtime folder of their own, with outputs that need no hardware. */
export class SoundServers {
  /** What `XDG_RUNTIME_DIR` is in a session. */
  readonly dir = mkdtempSync(join(tmpdir(), "sound-"));
  readonly #env: Readonly<Record<string, string>>;
  readonly #children: ChildProcess[] = [];

  constructor() {
    this.#env = { HOME: this.dir, XDG_RUNTIME_DIR: this.dir, XDG_CONFIG_HOME: join(this.dir, "config"), XDG_STATE_HOME: join(this.dir, "state"), PULSE_SERVER: `unix:${join(this.dir, "pulse/native")}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(this.dir, "bus")}`, PIPEWIRE_RUNTIME_DIR: this.dir };
  }

  /** PulseAudio without a sink of its own; it makes its silent placeholder while there is none. */
  async pulseAudio(sinks: readonly string[]): Promise<void> {
    const modules = ["module-native-protocol-unix", "module-always-sink", ...sinks.map((name) => `module-null-sink sink_name=${name}`)];
    this.#start("pulseaudio", ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", ...modules.flatMap((each) => ["-L", each])]);
    await this.until("PulseAudio answers", async () => (await this.pactl("list", "short", "sinks")).includes(sinks.at(-1) ?? "auto_null"));
  }

  /** PipeWire with WirePlumber, and `pipewire-pulse` only if asked for. */
  async pipeWire(sinks: readonly string[], options: { readonly pulse: boolean }): Promise<void> {
    const folder = join(this.dir, "config/pipewire/pipewire.conf.d");
    mkdirSync(folder, { recursive: true });
    const object = (name: string): string =>
      `{ factory = adapter args = { factory.name = support.null-audio-sink node.name = "${name}" node.description = "Büro ${name}" media.class = "Audio/Sink" object.linger = true audio.position = "FL,FR" } }`;
    writeFileSync(join(folder, "outputs.conf"), `context.objects = [ ${sinks.map(object).join("\n")} ]\n`);
    this.#start("dbus-daemon", ["--session", "--nofork", `--address=${this.#env["DBUS_SESSION_BUS_ADDRESS"] ?? ""}`]);
    await this.until("D-Bus listens", () => Promise.resolve(existsSync(join(this.dir, "bus"))));
    this.#start("pipewire", []);
    await this.until("PipeWire listens", () => Promise.resolve(existsSync(join(this.dir, "pipewire-0"))));
    this.#start("wireplumber", []);
    await this.until("there is a default output", async () => sinks.length === 0 || /\* +\d+\. B/.test(await this.tool("wpctl", "status")));
    if (!options.pulse) return;
    this.#start("pipewire-pulse", []);
    await this.until("pipewire-pulse answers", async () => (await this.pactl("info")).includes(`Default Sink: ${sinks[0] ?? "auto_null"}`));
  }

  pactl(...args: string[]): Promise<string> {
    return this.tool("pactl", ...args);
  }

  /** What a program prints; nothing if it fails. */
  async tool(program: string, ...args: string[]): Promise<string> {
    const ran = await commandRunner(this.#env)(program, args, 5_000);
    return ran.ok ? ran.value : "";
  }

  /** Sends a signal to the server that was started last. */
  signalLast(signal: NodeJS.Signals): void {
    this.#children.at(-1)?.kill(signal);
  }

  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await ended;
    }
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; waitedMs < STARTS_WITHIN_MS; waitedMs += 50) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`not within ${STARTS_WITHIN_MS} ms: ${what}`);
  }

  #start(program: string, args: readonly string[]): void {
    this.#children.push(spawn(program, args, { env: { ...process.env, ...this.#env }, stdio: "ignore" }));
  }
}
