import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { AGENT } from "./other-users.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const STEP = join(ROOT, "scripts/systemd/vitrine-provision");
export const NAME = "vitrine.json";

/** Kills the whole step, as a power cut would, before the `cut`-th change that the process makes in the file system, counted over all processes. */
const CUT = `import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
for (const name of ["writeSync", "renameSync", "rmSync", "mkdirSync", "fsyncSync"]) {
  const real = fs[name];
  fs[name] = (...args) => {
    fs.appendFileSync(process.env.COUNT, "x\\n");
    if (fs.readFileSync(process.env.COUNT, "utf8").length / 2 >= Number(process.env.CUT)) process.kill(0, "SIGKILL");
    return real(...args);
  };
}
syncBuiltinESMExports();
`;

/** The programs of the step, bundled as on a device: they start in a tenth of the time. */
export class ProvisionPrograms {
  readonly #folder = mkdtempSync(join(tmpdir(), "vitrine-take-"));
  readonly file = join(this.#folder, "file.mjs");
  readonly certificate = join(this.#folder, "certificate.mjs");
  readonly cut = join(this.#folder, "cut.mjs");

  constructor() {
    chmodSync(this.#folder, 0o755);
    for (const [entry, outfile] of [["agent/node/take-provisioning-main.ts", this.file], ["platform/linux/take-certificate-main.ts", this.certificate]] as const) {
      buildSync({ entryPoints: [join(ROOT, entry)], outfile, bundle: true, platform: "node", format: "esm" });
    }
    writeFileSync(this.cut, CUT);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Stepped {
  /** `null`: it was cut. */
  readonly code: number | null;
  readonly said: string;
}

/** A boot partition, a data folder of the agent's user and root's store of certificates, with the step that is between them. */
export class ProvisionBench {
  readonly root = mkdtempSync(join(tmpdir(), "vitrine-provision-"));
  readonly #programs: ProvisionPrograms;

  constructor(programs: ProvisionPrograms) {
    this.#programs = programs;
    chmodSync(this.root, 0o755);
    for (const name of ["boot", "store"]) mkdirSync(this.at(name));
    mkdirSync(this.at("data"), { mode: 0o700 });
    chownSync(this.at("data"), AGENT, AGENT);
  }

  at(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  /** A boot of the device. `path`: where its programs are found. `around`: a command line that runs it. */
  step({ path = process.env["PATH"] ?? "", cut = 0, around = [] }: { readonly path?: string; readonly cut?: number; readonly around?: readonly string[] } = {}): Stepped {
    const { file, certificate } = this.#programs;
    const args = [STEP, this.at("data"), this.at("store"), String(AGENT), this.at("boot", NAME), this.at("boot", `${NAME}.txt`), "--", process.execPath, file, certificate];
    // In a process group of its own, which a cut ends.
    const [program = "", ...rest] = [...around, "setsid", "--wait", "bash", ...args];
    const cutting = cut === 0 ? {} : { NODE_OPTIONS: `--import=${this.#programs.cut}`, CUT: String(cut), COUNT: this.at("count") };
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8", env: { PATH: path, ...cutting } });
    return { code: status, said: stdout + stderr };
  }

  put(content: string, name = NAME): void {
    writeFileSync(this.at("boot", name), content);
  }

  taken(): string | undefined {
    return existsSync(this.at("data", "vitrine-provision.json")) ? readFileSync(this.at("data", "vitrine-provision.json"), "utf8") : undefined;
  }

  /** Names on the boot partition. */
  boot(): readonly string[] {
    return readdirSync(this.at("boot")).sort();
  }

  problem(): string {
    return readFileSync(this.at("boot", "vitrine-problem.txt"), "utf8");
  }

  /** A PATH with programs of the same names that end the whole step, as a power cut would, before the `cut`-th of them runs. */
  shims(cut: number, programs: readonly string[] = ["setpriv", "dd", "rm", "sync", "mv", "stat", "head", "tr", "sed"]): string {
    rmSync(this.at("shims"), { recursive: true, force: true });
    rmSync(this.at("count"), { force: true });
    mkdirSync(this.at("shims"));
    writeFileSync(this.at("count"), "");
    // The agent's user counts too.
    chmodSync(this.at("count"), 0o666);
    for (const name of programs) {
      const real = spawnSync("which", [name], { encoding: "utf8" }).stdout.trim();
      writeFileSync(this.at("shims", name), `#!/bin/bash\n(flock 9; echo x >&9) 9>>${this.at("count")}\n[[ $(wc -l < ${this.at("count")}) -ge ${cut} ]] && kill -9 0\nexec ${real} "$@"\n`, { mode: 0o755 });
    }
    return `${this.at("shims")}:${process.env["PATH"] ?? ""}`;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
