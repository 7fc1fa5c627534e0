import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PackageProvider } from "../../agent/node/content/package-provider.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { buildSample } from "./build-sample.ts";

const repository = new URL("../..", import.meta.url).pathname;

test("the sample has the same bytes each time and is a package that the agent accepts", async () => {
  const root = mkdtempSync(join(tmpdir(), "vitrine-sample-"));
  try {
    cpSync(join(repository, "player-host"), join(root, "player-host"), { recursive: true });
    await buildSample(root);
    const zip = readFileSync(join(root, "dist/sample.zip"));
    await buildSample(root);
    expect(readFileSync(join(root, "dist/sample.zip")).equals(zip)).toBe(true);
    const sha256 = createHash("sha256").update(zip).digest("hex");
    const content = join(root, "content");
    cpSync(join(root, "dist/sample.zip"), join(content, "downloads", `${sha256}.zip`));
    const prepared = await new PackageProvider({ root: content, keepFreeBytes: 0, http: {}, clock: systemClock, log: silentLog }).prepare({ kind: "package", url: "http://127.0.0.1:1/never-asked", sha256, bytes: zip.length }, new AbortController().signal);
    expect(prepared).toMatchObject({ ok: true, value: { kind: "package", entry: "index.html", grants: ["gpio"] } });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
