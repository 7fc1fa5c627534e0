import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";
import { buildApart } from "./build-apart.ts";
import { build } from "./build.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-build-"));
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(root, "node_modules"));
  write("package-lock.json", "{}");
  write("tsconfig.json", "{}");
  write("package.json", '{"type":"module"}');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a program runs from dist alone, with native and CommonJS packages, and loads lazy parts late", async () => {
  write(
    "agent/node/main.ts",
    `import Database from "better-sqlite3";
     import pino from "pino";
     import { WebSocket } from "ws";
     const { later } = await import("./later.ts");
     console.log(new Database(":memory:").open, typeof pino, typeof WebSocket, later);`,
  );
  write("agent/node/later.ts", 'export const later: string = "late";');
  await build(root);
  rmSync(join(root, "agent"), { recursive: true });
  expect(execFileSync(process.execPath, [join(root, "dist/agent/main.js")], { encoding: "utf8" })).toBe("true function function late\n");
  expect(readdirSync(join(root, "dist/agent/main-parts")).filter((name) => name.startsWith("later"))).toHaveLength(2);
});

const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path) && Number(/^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout)?.[1] ?? 99) < 24);
if (oldNode === undefined) reportLeftOut("the shipped programs on a Node that is too old", "there is no such Node on this machine");

test.skipIf(oldNode === undefined)("every shipped program says at once that its Node is too old, and ends so that systemd does not start it again", async () => {
  const repository = join(import.meta.dirname, "../..");
  await buildApart(repository);
  for (const program of ["agent/main.js", "cli/main.js", "player-host/chromium.js"]) {
    const { status, stderr } = spawnSync(oldNode ?? "", [join(repository, "dist", program), "--version"], { encoding: "utf8" });
    expect([program, status, stderr]).toEqual([program, 78, expect.stringMatching(/^Vitrine needs Node 24 or later; this is v\d+/)]);
  }
}, 60_000);

test("an unchanged source is not rebuilt; a changed one is, and its old parts are removed", async () => {
  write("agent/node/main.ts", 'await import("./later.ts");');
  write("agent/node/later.ts", "console.log(1);");
  expect((await build(root)).fresh).toBe(false);
  const parts = readdirSync(join(root, "dist/agent/main-parts"));
  expect((await build(root)).fresh).toBe(true);
  write("agent/node/later.ts", "console.log(22);");
  expect((await build(root)).fresh).toBe(false);
  expect(readdirSync(join(root, "dist/agent/main-parts")).filter((name) => parts.includes(name))).toEqual([]);
  rmSync(join(root, "dist/agent/main.js"));
  expect((await build(root)).fresh).toBe(false);
});

test("entries that do not exist are named", async () => {
  write("agent/node/main.ts", "export {};");
  const { missing } = await build(root);
  expect(missing).toContain("scripts/dev-cloud/main.ts");
  expect(missing).not.toContain("agent/node/main.ts");
});

test("pages are copied and their scripts bundled for a browser", async () => {
  write("player-host/screens/pairing.html", "<script src=pairing.js></script>");
  write("player-host/screens/pairing.dom.ts", 'import { text } from "./text.ts"; document.title = text;');
  write("player-host/screens/text.ts", 'export const text: string = "Pairing";');
  await build(root);
  expect(readdirSync(join(root, "dist/player-host/screens")).sort()).toEqual(["pairing.html", "pairing.js", "pairing.js.map"]);
});

test("a source that does not compile is a failure, and is retried", async () => {
  write("agent/node/main.ts", 'import "./nowhere.ts";');
  await expect(build(root)).rejects.toThrow("nowhere");
  expect(existsSync(join(root, "dist/.inputs"))).toBe(false);
});

test("a build in a child process gives the same report, and reports a failure", async () => {
  write("agent/node/main.ts", 'console.log("apart");');
  const first = await buildApart(root);
  expect(first).toMatchObject({ fresh: false });
  expect(first.written).toContain("dist/agent/main.js");
  expect(await buildApart(root)).toEqual({ fresh: true, written: [], missing: first.missing });
  write("agent/node/main.ts", 'import "./nowhere.ts";');
  await expect(buildApart(root)).rejects.toThrow("the build ended with exit code 1; its message is above");
});

test("a build in a child process ends when it is aborted", async () => {
  write("agent/node/main.ts", "export {};");
  await expect(buildApart(root, AbortSignal.abort())).rejects.toThrow("abort");
});

function write(path: string, text: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
