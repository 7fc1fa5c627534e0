import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { built } from "../../agent/updater/testing/built.ts";

/**
 * An update that goes back leaves the old release with state that the new one wrote. Each store has to be readable in both directions: by the
 * stores as they were (kept at each release, `keep.ts`) and as they are.
 */
const KEPT = join(import.meta.dirname, "kept");
const NODE_MODULES = join(import.meta.dirname, "../../node_modules");

const programs = mkdtempSync(join(tmpdir(), "vitrine-old-stores-"));
symlinkSync(NODE_MODULES, join(programs, "node_modules"));
afterAll(() => rmSync(programs, { recursive: true, force: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type State = Readonly<Record<string, unknown>> & { readonly problems: readonly unknown[]; readonly spool: readonly { id: string }[]; readonly outbox: Readonly<Record<string, readonly string[]>> };

function run(program: string, verb: "write" | "read", tag: string): string {
  return execFileSync(process.execPath, [program, verb, folder, tag], { encoding: "utf8", timeout: 30_000 });
}

function read(program: string, tag: string): State {
  return JSON.parse(run(program, "read", tag)) as State;
}

/** Today's stores; the program needs SQLite beside it. */
async function today(): Promise<string> {
  const program = join(programs, "today.mjs");
  writeFileSync(program, readFileSync(await built("scripts/state-compat/stores.ts")));
  return program;
}

describe.each(readdirSync(KEPT).filter((name) => name.endsWith(".gz")))("the stores of %s", (name) => {
  const old = join(programs, basename(name, ".gz"));
  writeFileSync(old, gunzipSync(readFileSync(join(KEPT, name))));

  test("are read by today's without a loss", async () => {
    run(old, "write", "1000");
    const before = read(old, "1001");
    expect(before.problems).toEqual([]);
    expect(read(await today(), "1002")).toEqual(before);
  });

  test("read what today's wrote: an update that went back loses nothing", async () => {
    const now = await today();
    run(now, "write", "1000");
    const written = read(now, "1001");
    expect(written.problems).toEqual([]);
    expect(read(old, "1002")).toEqual(written);
    expect(written.spool.map(({ id }) => id)).toEqual(["p-1000", "e-1000"]);
    expect(Object.values(written.outbox).map((records) => records.length)).toEqual([1, 1, 1, 1, 1]);
  });

  test("and today's take turns on the same files: forward, back, and forward again", async () => {
    const now = await today();
    run(old, "write", "1000");
    run(now, "write", "2000");
    run(old, "write", "3000");
    const [byOld, byToday] = [read(old, "3001"), read(now, "3002")];
    expect(byToday).toEqual(byOld);
    expect(byOld.problems).toEqual([]);
    expect(byOld["documents"]).toEqual(["1000", "2000", "3000"].map((by) => ({ by, text: "größer" })));
    expect(byOld.spool.map(({ id }) => id)).toEqual(["p-1000", "e-1000", "p-2000", "e-2000", "p-3000", "e-3000"]);
    expect(Object.values(byOld.outbox).map((records) => records.length)).toEqual([3, 3, 3, 3, 3]);
    expect((byOld["journal"] as { id: string }[]).map(({ id }) => id).sort()).toEqual(["c1000", "c2000", "c3000", "d1000", "d2000", "d3000"]);
  });
});

test("stores of an earlier version are kept", () => {
  expect(readdirSync(KEPT).length).toBeGreaterThan(0);
});
