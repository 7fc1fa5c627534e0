/**
 * Loaded into the real agent process before its own code (`node --import`). It does not change what the agent does: it
 * records the effects on the simulated hardware, counts durable writes, and kills the process at one of them.
 *
 * VITRINE_PROVE_EFFECTS: file to which the hardware's state is appended at each change (outside the data folder).
 * VITRINE_PROVE_POINTS:  file to which each durable write is appended, one name per line.
 * VITRINE_PROVE_KILL:    `<n>:before` or `<n>:after`: SIGKILL at the n-th durable write once armed.
 * VITRINE_PROVE_ARM:     `start` counts from the first write, `signal` from SIGUSR2.
 * VITRINE_PROVE_SLOW_SYNC_MS: each sync takes this much longer, as on a worn card.
 */
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import type Database from "better-sqlite3";
import { DISPLAY_PROPERTY_NAMES, type DisplayProperty } from "../../../platform/ports/display-properties.ts";

const { VITRINE_PROVE_EFFECTS: effects, VITRINE_PROVE_POINTS: points, VITRINE_PROVE_KILL: kill = "", VITRINE_PROVE_ARM: arm = "start" } = process.env;
const [killAt = "0", killWhen = "after"] = kill.split(":");
const original = { ...fs };
const pointsFd = points === undefined ? undefined : fs.openSync(points, "a");
const effectsFd = effects === undefined ? undefined : fs.openSync(effects, "a");
const slowMs = Number(process.env["VITRINE_PROVE_SLOW_SYNC_MS"] ?? "0");
let armed = arm === "start";
let count = 0;

if (pointsFd !== undefined) original.writeSync(pointsFd, "start\n");
if (armed && pointsFd !== undefined) original.writeSync(pointsFd, "armed\n");

if (!armed) process.on("SIGUSR2", () => {
  armed = true;
  if (pointsFd !== undefined) original.writeSync(pointsFd, "armed\n");
});

/** `begin` and `end` enclose one durable write: before it the kernel does not have the write, after it the kernel does. */
function begin(name: string): number {
  if (!armed) return 0;
  count += 1;
  if (pointsFd !== undefined) original.writeSync(pointsFd, `${name}\n`);
  if (killWhen === "before") dieAt(count);
  return count;
}

function end(number: number): void {
  if (killWhen === "after") dieAt(number);
}

function dieAt(number: number): void {
  if (number === 0 || number !== Number(killAt)) return;
  process.kill(process.pid, "SIGKILL");
  // The signal ends the process within this call. If not, nothing more may be written.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function durable<T>(name: string, act: () => T): T {
  const number = begin(name);
  const result = act();
  end(number);
  return result;
}

function patchFs(): void {
  fs.fsyncSync = (fd) => durable("fsync", () => original.fsyncSync(fd));
  fs.fdatasyncSync = (fd) => {
    if (slowMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowMs);
    durable("fdatasync", () => original.fdatasyncSync(fd));
  };
  fs.unlinkSync = (path) => durable("unlink", () => original.unlinkSync(path));
  fs.renameSync = (from, to) => {
    durable(`rename ${baseOf(to)}`, () => {
      original.renameSync(from, to);
      if (String(to).endsWith("simulated-world.json")) noteWorld(original.readFileSync(to, "utf8"));
    });
  };
  fs.fdatasync = ((fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    const number = begin("fdatasync");
    const sync = (): void => original.fdatasync(fd, (error) => {
      end(number);
      done(error);
    });
    if (slowMs > 0) setTimeout(sync, slowMs);
    else sync();
  }) as typeof fs.fdatasync;
}

function baseOf(path: fs.PathLike): string {
  return String(path).split("/").at(-1) ?? "";
}

let noted = "";

/** Appends the externally visible state of the machine as one line if it has changed. */
function noteWorld(text: string): void {
  if (effectsFd === undefined) return;
  const { gpio, display, audio, power } = JSON.parse(text) as WorldText;
  const driven = Object.fromEntries(Object.entries(gpio.lines).flatMap(([name, { direction, driven: level }]) => (direction === "output" ? [[name, level]] : [])));
  const tv = Object.fromEntries(DISPLAY_PROPERTY_NAMES.map((name) => [name, display[name]]));
  const line = JSON.stringify({ boots: power.boots, gpio: driven, display: tv, audio });
  if (line === noted) return;
  noted = line;
  original.writeSync(effectsFd, `${line}\n`);
}

interface WorldText {
  readonly power: { readonly boots: number };
  readonly gpio: { readonly lines: Readonly<Record<string, { readonly direction: string; readonly driven: 0 | 1 }>> };
  readonly display: Readonly<Record<DisplayProperty, unknown>>;
  readonly audio: unknown;
}

type Run = (this: Database.Statement, ...params: unknown[]) => Database.RunResult;
type Exec = (this: Database.Database, sql: string) => Database.Database;
type Pragma = (this: Database.Database, sql: string, options?: Database.PragmaOptions) => unknown;

/** Counts commits, which SIGKILL cannot undo. The sync after a commit is a point of its own. */
function patchSqlite(): void {
  const Sqlite = createRequire(import.meta.url)("better-sqlite3") as typeof Database;
  const probe = new Sqlite(":memory:");
  const statement = Object.getPrototypeOf(probe.prepare("SELECT 1")) as { run: Run };
  const { run } = statement;
  statement.run = function (...params) {
    const commits = /^COMMIT/i.test(this.source) || (!this.readonly && !this.database.inTransaction);
    return commits ? durable(`commit ${baseOf(this.database.name)}`, () => run.apply(this, params)) : run.apply(this, params);
  };
  const database = Sqlite.prototype as unknown as { exec: Exec; pragma: Pragma };
  const { exec, pragma } = database;
  database.exec = function (sql) {
    return this.inTransaction ? exec.call(this, sql) : durable(`exec ${baseOf(this.name)}`, () => exec.call(this, sql));
  };
  database.pragma = function (sql, options) {
    const writes = /wal_checkpoint|incremental_vacuum|journal_mode/.test(sql);
    return writes ? durable(`${/\w+/.exec(sql)?.[0] ?? ""} ${baseOf(this.name)}`, () => pragma.call(this, sql, options)) : pragma.call(this, sql, options);
  };
  probe.close();
}

/** The same for files written asynchronously: packages and their folders. */
async function patchPromises(): Promise<void> {
  const { promises } = fs;
  const { open, rename, rm, unlink } = promises;
  const patched = promises as { open: typeof open; rename: typeof rename; rm: typeof rm; unlink: typeof unlink };
  patched.rename = (from, to) => durably(`rename ${baseOf(to)}`, () => rename(from, to));
  patched.rm = (path, options) => durably(`rm ${baseOf(path)}`, () => rm(path, options));
  patched.unlink = (path) => durably(`unlink ${baseOf(path)}`, () => unlink(path));
  const probe = await open(import.meta.filename);
  const handle = Object.getPrototypeOf(probe) as { sync: typeof probe.sync; datasync: typeof probe.datasync };
  const { sync, datasync } = handle;
  handle.sync = function (this: typeof probe) {
    return durably("sync of a file", () => sync.call(this));
  };
  handle.datasync = function (this: typeof probe) {
    return durably("datasync of a file", () => datasync.call(this));
  };
  await probe.close();
}

async function durably<T>(name: string, act: () => Promise<T>): Promise<T> {
  const number = begin(name);
  const result = await act();
  end(number);
  return result;
}

/** Notes a change that the previous run made but was killed before noting. Nothing can change in between. */
function noteWorldLeft(): void {
  const data = process.argv[process.argv.indexOf("--data") + 1];
  const file = data === undefined ? "" : `${data}/simulated-world.json`;
  if (effectsFd === undefined || !fs.existsSync(file)) return;
  try {
    noteWorld(fs.readFileSync(file, "utf8"));
  } catch (thrown) {
    // Damaged on purpose by the storage campaign: the agent moves it aside, and there is nothing to note.
    if (!(thrown instanceof SyntaxError || thrown instanceof TypeError || (thrown as NodeJS.ErrnoException).code === "EISDIR")) throw thrown;
  }
}

noteWorldLeft();
patchFs();
await patchPromises();
patchSqlite();
syncBuiltinESMExports();
