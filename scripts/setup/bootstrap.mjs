// Every npm script starts here. Installs missing dependencies, finds a Node 24, and runs with it the TypeScript entry
// named by the first argument. Plain JavaScript for Node 20 and later, because the machine's own Node may be too old
// for the rest.
import { spawn } from "node:child_process";
import module from "node:module";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureDependencies } from "./dependencies.mjs";
import { findNode } from "./find-node.mjs";
import { SetupError } from "./setup-error.mjs";

const OLDEST_NODE = 20;
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

try {
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) throw new SetupError("Which script? For example: npm start, npm test, npm run build.");
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      `Vitrine needs Node ${OLDEST_NODE} or later to set itself up; this is ${process.version}. Install a newer Node and run this again.`,
    );
  }
  await ensureDependencies(ROOT);
  const node = await findNode(ROOT);
  if (entry === "--setup-only") console.log(`Ready. Node ${node.version} at ${node.path}`);
  else if (node.path === process.execPath) await runHere(join(ROOT, entry), args);
  else runWith(node.path, [join(ROOT, entry), ...args]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

/**
 * Environment for the program and its children. Compiled code is cached: otherwise Node loads its TypeScript compiler at
 * each start, which costs npm start 0.4 s and 37 MB.
 * @param {string} node
 */
function environment(node) {
  const bins = [dirname(node), join(ROOT, "node_modules/.bin")].join(delimiter);
  return { NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/node"), ...process.env, PATH: `${bins}${delimiter}${process.env["PATH"] ?? ""}` };
}

/**
 * Runs the program in this process when its Node is new enough: a second one costs 0.15 s and 40 MB.
 * @param {string} entry
 * @param {readonly string[]} args
 */
async function runHere(entry, args) {
  Object.assign(process.env, environment(process.execPath));
  process.argv = [process.execPath, entry, ...args];
  module.enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
  watchParent(() => process.kill(process.pid, "SIGTERM"));
  await import(pathToFileURL(entry).href);
}

/**
 * Runs `node args…` in the caller's place: same terminal, signals forwarded, exit code returned.
 * @param {string} node
 * @param {readonly string[]} args
 */
function runWith(node, args) {
  // The IPC channel closes when this process is killed, which tells the child.
  const child = spawn(node, args, { stdio: ["inherit", "inherit", "inherit", "ipc"], env: environment(node) });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
  const watch = watchParent(() => child.kill("SIGTERM"));
  child.on("error", (error) => {
    console.error(`Could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    clearInterval(watch);
    // 128 + signal number, as a shell reports a killed program.
    process.exit(code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
  });
}

/**
 * npm, or the shell between it and us, may be killed without forwarding the signal; then our parent changes and nothing
 * else would stop us. Outside npm a changed parent is normal (nohup).
 * @param {() => void} onGone
 */
function watchParent(onGone) {
  if (process.env["npm_lifecycle_event"] === undefined) return undefined;
  const parent = process.ppid;
  const look = () => {
    if (process.ppid !== parent) onGone();
  };
  return setInterval(look, 1_000).unref();
}
