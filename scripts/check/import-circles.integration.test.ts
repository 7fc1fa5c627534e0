import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const LINTER = join(ROOT, "node_modules/oxlint/bin/oxlint");
const CONFIG = join(ROOT, ".oxlintrc.json");

/** Small source trees, each in its own folder: file names with texts, and the files that form a circle. */
const TREES: Readonly<Record<string, { readonly files: Readonly<Record<string, string>>; readonly circle: readonly string[] }>> = {
  "of values": {
    files: { "a.ts": 'import { b } from "./b.ts";\nexport const a = b;\n', "b.ts": 'import { a } from "./a.ts";\nexport const b = a;\n' },
    circle: ["a.ts", "b.ts"],
  },
  "through one type": {
    files: { "a.ts": 'import { b } from "./b.ts";\nexport type A = string;\nexport const a = b;\n', "b.ts": 'import type { A } from "./a.ts";\nexport const b: A = "";\n' },
    circle: ["a.ts", "b.ts"],
  },
  "of types only": {
    files: { "a.ts": 'import type { B } from "./b.ts";\nexport interface A { b: B }\n', "b.ts": 'import type { A } from "./a.ts";\nexport interface B { a: A }\n' },
    circle: ["a.ts", "b.ts"],
  },
  "through a type among values": {
    files: { "a.ts": 'import { b } from "./b.ts";\nexport type A = string;\nexport const a = b;\n', "b.ts": 'import { type A } from "./a.ts";\nexport const b: A = "";\n' },
    circle: ["a.ts", "b.ts"],
  },
  "through a re-export": {
    files: { "a.ts": 'export type { B } from "./b.ts";\nexport type A = string;\n', "b.ts": 'import type { A } from "./a.ts";\nexport type B = A;\n' },
    circle: ["a.ts", "b.ts"],
  },
  "of three files, with one outside that imports from it": {
    files: {
      "a.ts": 'import type { B } from "./b.ts";\nexport interface A { b: B }\n',
      "b.ts": 'import type { C } from "./c.ts";\nexport interface B { c: C }\n',
      "c.ts": 'import type { A } from "./a.ts";\nexport interface C { a: A }\n',
      "outside.ts": 'import type { A } from "./a.ts";\nexport interface Outside { a: A }\n',
    },
    circle: ["a.ts", "b.ts", "c.ts"],
  },
  "that is none (two paths to the same file)": {
    files: {
      "a.ts": 'import type { B } from "./b.ts";\nimport type { C } from "./c.ts";\nexport interface A { b: B; c: C }\n',
      "b.ts": 'import type { D } from "./d.ts";\nexport interface B { d: D }\n',
      "c.ts": 'import type { D } from "./d.ts";\nexport interface C { d: D }\n',
      "d.ts": "export type D = string;\n",
    },
    circle: [],
  },
};

interface Report {
  readonly number_of_files: number;
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

let folder: string;
let report: Report;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vitrine-circles-"));
  for (const [at, { files }] of Object.values(TREES).entries()) {
    await mkdir(join(folder, String(at)));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, String(at), name), text);
  }
  const output = await new Promise<string>((done, failed) => {
    execFile(process.execPath, [LINTER, "--config", CONFIG, "--format", "json", "."], { cwd: folder }, (error, stdout, stderr) => {
      // Exit code 1: the linter found something.
      if (error !== null && error.code !== 1) failed(new Error(stderr));
      else done(stdout);
    });
  });
  report = JSON.parse(output) as Report;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the linter with the project's configuration reads every file of the trees", () => {
  expect(report.number_of_files).toBe(Object.values(TREES).reduce((count, { files }) => count + Object.keys(files).length, 0));
});

test.each(Object.entries(TREES).map(([name, { circle }], at) => ({ name, circle, at })))("a circular import $name is found in $circle", ({ circle, at }) => {
  const found = report.diagnostics.filter(({ code, filename }) => code === "import(no-cycle)" && filename.startsWith(`${at}/`));
  expect(found.map(({ filename }) => filename.slice(`${at}/`.length)).sort()).toEqual(circle);
});
