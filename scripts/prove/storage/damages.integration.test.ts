import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seeded } from "../harness/options.ts";
import { areaOf, damageSome } from "./damages.ts";
import { filesIn } from "./template.ts";

const FILES = [
  "outbox.sqlite", "outbox.sqlite-wal", "outbox.sqlite.marks", "journal.sqlite", "journal.sqlite.marks", "state.sqlite", "state.sqlite.marks", "identity/device.key",
  "identity/device.key.bak", "config.json", "logs/agent.log", "content/ab/index.html", "player/scene.json", "player/spool.jsonl", "player/host.lock",
  "agent.lock", "quarantine/old", "simulated-world.json",
];

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-damages-"));
  for (const file of FILES) {
    mkdirSync(join(root, "whole", file, ".."), { recursive: true });
    writeFileSync(join(root, "whole", file), seeded(file).bytes(3_000));
  }
  mkdirSync(join(root, "whole", "run"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Every path with its bytes, including folders. */
function picture(folder: string): string {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((name) => `${name} ${statSync(join(folder, name)).isFile() ? readFileSync(join(folder, name)).toString("base64") : "folder"}`)
    .join("\n");
}

test("every case changes something, the same seed changes the same things, and every area is damaged", () => {
  const hits = new Set<string>();
  const before = picture(join(root, "whole"));
  let unchanged = 0;
  for (let n = 0; n < 250; n += 1) {
    const [a, b] = (n % 10 === 0 ? ["a", "b"] : ["a"]).map((name) => {
      const folder = join(root, name);
      rmSync(folder, { recursive: true, force: true });
      cpSync(join(root, "whole"), folder, { recursive: true });
      const damages = damageSome(folder, filesIn(folder), seeded(`n${n}`));
      return { damages, after: picture(folder) };
    });
    expect(b ?? a).toEqual(a);
    if (a?.after === before) unchanged += 1;
    for (const { area } of a?.damages ?? []) hits.add(area);
  }
  expect([...hits].sort()).toEqual([...new Set([...FILES.map(areaOf), "socket"])].sort());
  // The next flip may restore a bit, and garbage may equal the old byte.
  expect(unchanged).toBeLessThan(5);
});
