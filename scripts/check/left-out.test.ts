import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { LEFT_OUT_FILE_ENV, readLeftOut, reportLeftOut } from "./left-out.ts";

test("a skipped suite is printed and listed once", () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-left-out-"));
  const file = join(folder, "left-out.jsonl");
  vi.stubEnv(LEFT_OUT_FILE_ENV, file);
  const said = vi.spyOn(console, "warn").mockReturnValue(undefined);
  expect(readLeftOut(file)).toEqual([]);
  reportLeftOut("the Electron suite", "no binary");
  reportLeftOut("the loop mount", "not root");
  reportLeftOut("the Electron suite", "no binary");
  expect(said).toHaveBeenCalledWith("left out: the Electron suite (no binary)");
  expect(readLeftOut(file)).toEqual([
    { what: "the Electron suite", why: "no binary" },
    { what: "the loop mount", why: "not root" },
  ]);
  rmSync(folder, { recursive: true });
});
