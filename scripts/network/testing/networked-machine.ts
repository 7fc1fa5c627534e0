import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { commandRunner, type CommandRunner } from "../../../platform/linux/command-runner.ts";

const SCRIPT = join(import.meta.dirname, "run-in-root.sh");
const PROGRAM_TIMEOUT_MS = 90_000;
/** Of the daemons; the tests' own programs are found there too. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** A small machine with the real NetworkManager and one cable, in namespaces of its own. */
export class NetworkedMachine {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];
  #errors = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null || child.stderr === null) throw new Error("the machine has no pipes");
    this.#lines = createInterface({ input: child.stdout }).on("line", (line) => this.#waiting.shift()?.(line));
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (this.#errors = (this.#errors + text).slice(-4_000)));
    child.on("exit", () => {
      for (const tell of this.#waiting.splice(0)) tell("ENDED");
    });
  }

  /** Starts it from a root with NetworkManager and waits until it is connected by DHCP. */
  static async start(root: string): Promise<NetworkedMachine> {
    const child = spawn("setpriv", ["--pdeathsig=KILL", "unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "bash", SCRIPT, root], { stdio: ["pipe", "pipe", "pipe"], env: { PATH } });
    const machine = new NetworkedMachine(child);
    const said = await machine.#line();
    if (said !== "READY") throw new Error(`the machine does not start: ${said}\n${machine.#errors}`);
    return machine;
  }

  /** Runs a line of bash in it, as root. Throws when it fails. */
  async bash(line: string): Promise<void> {
    this.#child.stdin?.write(`${line.replaceAll("\n", "; ")}\n`);
    const said = await this.#line();
    if (said !== "DONE 0") throw new Error(`${line}: ${said}\n${this.#errors}`);
  }

  /** The power fails and comes back: all that is not on its disk is gone. */
  powercut(): Promise<void> {
    return this.bash("powercut");
  }

  /** Kills and starts only the daemon. */
  restart(): Promise<void> {
    return this.bash("restart");
  }

  /** Creates the users of the package, puts its polkit rule in force, and lets polkit decide for everybody but root. */
  async withUsers(users: readonly string[], rule: string): Promise<void> {
    for (const user of users) await this.bash(`useradd --system --no-create-home ${user}`);
    await this.bash(`base64 -d <<< ${Buffer.from(rule).toString("base64")} > /usr/share/polkit-1/rules.d/50-vitrine.rules && chmod 644 /usr/share/polkit-1/rules.d/50-vitrine.rules`);
    await this.bash("/usr/lib/polkit-1/polkitd --no-debug & for n in $(seq 200); do dbus-send --system --dest=org.freedesktop.DBus --print-reply / org.freedesktop.DBus.NameHasOwner string:org.freedesktop.PolicyKit1 | grep -q true && break; sleep 0.05; done");
  }

  /** Runs the adapter's programs in it, as root or as one of its users. */
  runner(user = "root"): CommandRunner {
    const run = commandRunner({ PATH });
    const enter = ["--target", String(this.#init()), "--mount", "--net", "--pid", "--root", "--wd=/"];
    const as = user === "root" ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"];
    return async (program, args, timeoutMs, input) => {
      const done = await run("nsenter", [...enter, ...as, program, ...args], timeoutMs, input);
      return done;
    };
  }

  /** Its file system, as seen from outside. */
  get folder(): string {
    return `/proc/${this.#init()}/root`;
  }

  /** Standard output of a program in it. Throws when it fails. */
  async ask(program: string, ...args: readonly string[]): Promise<string> {
    const said = await this.runner()(program, args, PROGRAM_TIMEOUT_MS);
    if (!said.ok) throw new Error(said.error.message);
    return said.value.trim();
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
    this.#lines.close();
  }

  /** The machine's first process, by its id outside. */
  #init(): number {
    const parent = this.#child.pid ?? -1;
    return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ")[0]);
  }

  #line(): Promise<string> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve("ENDED");
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
