import { expect, test } from "vitest";
import { HELP, parseOptions } from "./options.ts";

test("both architectures are built into dist/package unless the command line says otherwise", () => {
  expect(parseOptions([])).toEqual({ ok: true, value: { arches: ["arm64", "amd64"], out: "dist/package", sizes: false } });
  expect(parseOptions(["--arch", "amd64", "--out=/tmp/x", "--sizes"])).toEqual({ ok: true, value: { arches: ["amd64"], out: "/tmp/x", sizes: true } });
});

test("help wins, and names every option", () => {
  expect(parseOptions(["--help", "--arch", "arm64"])).toEqual({ ok: true, value: undefined });
  for (const option of ["--arch", "--out", "--sizes", "--help"]) expect(HELP).toContain(option);
});

test.each([
  [["--arch", "armhf"], 'not "armhf"'], [["--arch", "x64"], "arm64 or amd64"], [["--out", ""], "--out names a folder"], [["--archs", "arm64"], "--archs"], [["arm64"], "arm64"], [["--arch"], "--arch"],
])("%j is refused with a sentence that names it", (args, said) => {
  expect(parseOptions(args)).toMatchObject({ ok: false, error: { code: "package.usage", message: expect.stringContaining(said) as string } });
});
