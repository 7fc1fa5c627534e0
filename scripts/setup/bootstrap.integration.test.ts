import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";

/** The bootstrap as a real process on a small tree, with a fake npm that "installs" what the lock file says. */
const NPM = `
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
appendFileSync("npm-calls", process.argv.slice(2).join(" ") + "\\n");
while (process.env.NPM_WAITS_FOR && !existsSync(process.env.NPM_WAITS_FOR)) await new Promise((done) => setTimeout(done, 20));
if (process.env.NPM_FAILS) { console.error("npm error network is down"); process.exit(7); }
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
delete packages[""];
for (const path of Object.keys(packages)) if (packages[path].optional) delete packages[path];
mkdirSync("node_modules", { recursive: true });
writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages }));
`;
const ENTRY = `
import { writeFileSync } from "node:fs";
const args: string[] = process.argv.slice(2);
console.log("entry", args.join(" "));
if (args[0] === "wait") {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(signal === "SIGTERM" ? 70 : 71));
  process.on("disconnect", () => { writeFileSync("alone", ""); process.exit(0); });
  setInterval(() => undefined, 60_000);
  writeFileSync("up", "");
} else if (args[0] === "pid") console.log(process.pid);
else process.exitCode = Number(args[0] ?? 0);
`;

/** The machine's own Node, if it is old enough to need npm's. */
const olderNode = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node")).find((path) => {
  const major = Number(/^v(\d+)\./.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1] ?? 0);
  return major >= 20 && major < 24;
});
if (olderNode === undefined) reportLeftOut("the bootstrap on a Node older than 24", "this machine has none");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-bootstrap-"));
  mkdirSync(join(root, "scripts/setup"), { recursive: true });
  for (const name of ["bootstrap", "dependencies", "find-node", "install-lock", "setup-error"]) {
    cpSync(join(import.meta.dirname, `${name}.mjs`), join(root, `scripts/setup/${name}.mjs`));
  }
  writeFileSync(join(root, "npm-cli.mjs"), NPM);
  // The bootstrap accepts npm_execpath only with npm's own file name.
  mkdirSync(join(root, "npm"));
  writeFileSync(join(root, "npm/package.json"), '{"type":"module"}');
  cpSync(join(root, "npm-cli.mjs"), join(root, "npm/npm-cli.js"));
  writeFileSync(join(root, "entry.ts"), ENTRY);
  writeLock({ "node_modules/a": { version: "1.0.0", integrity: "sha512-a" }, "node_modules/other-platform": { version: "1.0.0", optional: true } });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("dependencies", () => {
  test("are installed once; after that npm is not even run", async () => {
    const first = await bootstrap(["entry.ts", "3", "x"]);
    expect(first).toMatchObject({ code: 3 });
    expect(first.output).toMatch(/^Installing dependencies \(up to 2 packages, once\) …\nDependencies installed in \d+ s\.\nentry 3 x\n$/);
    expect(await bootstrap(["entry.ts", "0"])).toEqual({ code: 0, output: "entry 0\n" });
    expect(npmCalls()).toEqual(["ci --no-audit --no-fund --loglevel=error"]);
  });

  test("are installed again after the lock file changed", async () => {
    await bootstrap(["entry.ts"]);
    writeLock({ "node_modules/a": { version: "2.0.0", integrity: "sha512-b" } });
    await bootstrap(["entry.ts"]);
    expect(npmCalls()).toHaveLength(2);
  });

  test("that are already installed are used as they are", async () => {
    mkdirSync(join(root, "node_modules"));
    const packages = { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };
    writeFileSync(join(root, "node_modules/.package-lock.json"), JSON.stringify({ packages }));
    expect(await bootstrap(["entry.ts"])).toEqual({ code: 0, output: "entry \n" });
    expect(npmCalls()).toEqual([]);
  });

  test("that npm could not install end in its error and the remedy, and are retried next time", async () => {
    const failed = await bootstrap(["entry.ts"], { NPM_FAILS: "1" });
    expect(failed.code).toBe(1);
    expect(failed.output).toContain("npm error network is down");
    expect(failed.output).toMatch(/Installing the dependencies failed \(npm ci ended with 7; its message is above\)\.\n.*check the network/);
    expect(await bootstrap(["entry.ts"])).toMatchObject({ code: 0 });
  });

  test("are installed by one of two concurrent commands; the other says that it waits", async () => {
    const go = join(root, "go");
    const first = bootstrap(["entry.ts", "3"], { NPM_WAITS_FOR: go });
    await vi.waitFor(() => expect(existsSync(join(root, "npm-calls"))).toBe(true), { timeout: 30_000 });
    const second = launch(["entry.ts", "4"]);
    await vi.waitFor(() => expect(second.printed()).toContain("Another command is installing the dependencies here; waiting for it …"), { timeout: 30_000 });
    writeFileSync(go, "");
    expect((await first).code).toBe(3);
    expect((await second.ended).code).toBe(4);
    expect(npmCalls()).toHaveLength(1);
  });

  test("are installed at once if the command that was installing them was killed", async () => {
    writeFileSync(join(root, ".vitrine-installing"), `${hostname()} ${pidOfTheDead()}\n`);
    expect(await bootstrap(["entry.ts"])).toMatchObject({ code: 0 });
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(root, ".vitrine-installing"))).toBe(false);
  });
});

describe("Node", () => {
  test("that is too old even for set-up is reported in one sentence", async () => {
    const { code, output } = await bootstrap(["entry.ts"], pretendNode("18.19.0"));
    expect(code).toBe(1);
    expect(output).toContain("Vitrine needs Node 20 or later to set itself up; this is v18.19.0.");
  });

  test("older than 24 hands over to the one of the npm package", async () => {
    bringNode();
    const { code, output } = await bootstrap(["entry.ts", "5"], pretendNode("20.20.0"));
    expect(output).toContain("entry 5");
    expect(code).toBe(5);
  });

  test.skipIf(olderNode === undefined)("that is really older than 24 hands over too, without using features that it lacks", async () => {
    bringNode();
    const { code, output } = await launch(["entry.ts", "5"], {}, olderNode).ended;
    expect([code, output.endsWith("entry 5\n")]).toEqual([5, true]);
  });

  test.each([
    ["is missing", undefined],
    ["is too old itself", "#!/bin/sh\necho v20.1.0\n"],
    ["does not run", "#!/bin/sh\nexit 1\n"],
  ])("older than 24 gives the remedy if the npm package's Node %s", async (_what, script) => {
    mkdirSync(join(root, "node_modules/node/bin"), { recursive: true });
    const path = join(root, "node_modules/node/bin/node");
    if (script !== undefined) appendFileSync(path, script);
    if (script !== undefined) chmodSync(path, 0o755);
    const { code, output } = await bootstrap(["entry.ts"], pretendNode("20.20.0"));
    expect(code).toBe(1);
    expect(output).toMatch(/Vitrine runs on Node 24 or later; this is v20\.20\.0, .*\n.*install Node 24.*ignore-scripts/);
  });
});

describe("the started program", () => {
  test("finds its compiled code at the next start, unless the user has configured otherwise", async () => {
    await bootstrap(["entry.ts", "0"]);
    expect(existsSync(join(root, "node_modules/.cache/node"))).toBe(true);
    rmSync(join(root, "node_modules/.cache"), { recursive: true });
    await bootstrap(["entry.ts", "0"], { NODE_COMPILE_CACHE: join(root, "elsewhere") });
    expect([existsSync(join(root, "elsewhere")), existsSync(join(root, "node_modules/.cache"))]).toEqual([true, false]);
  });

  test.each([
    ["SIGTERM", 70],
    ["SIGINT", 71],
  ] as const)("gets %s, and its exit code is handed back", async (signal, code) => {
    const { process: child, ended } = launch(["entry.ts", "wait"]);
    await vi.waitUntil(() => existsSync(join(root, "up")), { timeout: 10_000, interval: 20 });
    child.kill(signal);
    expect(await ended).toMatchObject({ code });
  });

  test("runs in the bootstrap's process if its Node is new enough, else in the Node of the npm package", async () => {
    const here = launch(["entry.ts", "pid"]);
    expect((await here.ended).output.endsWith(`entry pid\n${here.process.pid}\n`)).toBe(true);
    bringNode();
    const apart = launch(["entry.ts", "pid"], pretendNode("20.20.0"));
    expect((await apart.ended).output).toMatch(/^entry pid\n\d+\n$/);
    expect((await apart.ended).output).not.toContain(`\n${apart.process.pid}\n`);
  });

  test("notices when the bootstrap is killed", async () => {
    bringNode();
    const { process: child } = launch(["entry.ts", "wait"], pretendNode("20.20.0"));
    await vi.waitUntil(() => existsSync(join(root, "up")), { timeout: 10_000, interval: 20 });
    child.kill("SIGKILL");
    await vi.waitUntil(() => existsSync(join(root, "alone")), { timeout: 10_000, interval: 20 });
    expect(existsSync(join(root, "alone"))).toBe(true);
  });
});

function bootstrap(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ code: number | null; output: string }> {
  return launch(args, env).ended;
}

interface Launched {
  readonly process: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}, node = process.execPath): Launched {
  const child = spawn(node, [join(root, "scripts/setup/bootstrap.mjs"), ...args], {
    cwd: root,
    env: { PATH: process.env["PATH"], npm_execpath: join(root, "npm/npm-cli.js"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return { process: child, printed: () => output, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, output }))) };
}

/** What npm installs on a machine whose own Node is too old. */
function bringNode(): void {
  mkdirSync(join(root, "node_modules/node/bin"), { recursive: true });
  symlinkSync(process.execPath, join(root, "node_modules/node/bin/node"));
}

/** Makes the process take itself for another version of Node. */
function pretendNode(version: string): Record<string, string> {
  const script = `Object.defineProperty(process, "version", { value: "v${version}" });
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

function pidOfTheDead(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

function npmCalls(): string[] {
  const file = join(root, "npm-calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

function writeLock(packages: object): void {
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: { "": { name: "vitrine" }, ...packages } }));
}
