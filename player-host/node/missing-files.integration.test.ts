import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Log } from "../../platform/ports/log.ts";
import { silentLog } from "../../platform/ports/log.ts";
import type { HostPicture, StageContent } from "../contract/link-messages.ts";
import { HTTPS_ORIGINS } from "../stage/navigation-rules.ts";
import { withFiles } from "../stage/picture-files.ts";
import { diskPackageFolders } from "./disk-package-folders.ts";
import { MissingFiles } from "../host/missing-files.ts";

const GOOD: HostPicture = { verdict: "showing", confidence: 0.95, evidence: [] };
let folder: string;
let lines: unknown[];
let files: MissingFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-files-"));
  mkdirSync(join(folder, "Img"));
  for (const name of ["App.js", "Img/Logo.png"]) writeFileSync(join(folder, name), "");
  lines = [];
  const log: Log = { ...silentLog, warn: (fields) => void lines.push(fields) };
  const content: StageContent = { kind: "package", id: "aa11", folder, entry: "index.html", grants: [], allowedOrigins: [] };
  files = new MissingFiles(diskPackageFolders, () => content, log);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const own = (path: string): string => `${HTTPS_ORIGINS.package("aa11")}/${path}`;

test("a file in the wrong letter case is reported with the existing name, once, in the log and the verdict", async () => {
  for (const path of ["app.js", "app.js", "img/logo.PNG", "gone.css"]) await files.note(own(path), "404");
  expect(lines).toEqual([
    { file: "app.js (there is App.js, with different case)", why: "404" },
    { file: "img/logo.PNG (there is Img/Logo.png, with different case)", why: "404" },
    { file: "gone.css", why: "404" },
  ]);
  const picture = withFiles(GOOD, files.fact());
  expect(picture.confidence).toBe(0.5);
  expect(picture.evidence).toEqual([{ witness: "files", says: "3 files of the page could not be loaded: app.js (there is App.js, with different case), img/logo.PNG (there is Img/Logo.png, with different case), gone.css" }]);
});

test("the list is limited and starts anew with each document", async () => {
  for (let n = 0; n < 500; n += 1) await files.note(own(`${n}.png`), "404");
  expect(lines).toHaveLength(10);
  expect(withFiles(GOOD, files.fact()).evidence[0]?.says).toMatch(/^500 files of the page could not be loaded: 0\.png, .*, and 490 more$/);
  files.begun();
  expect(withFiles(GOOD, files.fact())).toEqual(GOOD);
});

test("missing files of other hosts are reported by host only, without secrets, and do not lower the confidence", async () => {
  await files.note("https://cdn.example/a.js?token=secret", "net::ERR_FAILED");
  await files.note(`${HTTPS_ORIGINS.package("aa11")}/%zz`, "400");
  const picture = withFiles(GOOD, files.fact());
  expect(picture.confidence).toBe(0.95);
  expect(picture.evidence[0]?.says).toContain("cdn.example");
  expect(JSON.stringify([picture, lines])).not.toContain("secret");
});
