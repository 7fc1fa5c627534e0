import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeSceneStore } from "../host/scene-store.conformance.ts";
import { FileTextStore } from "./file-text-store.ts";

describeSceneStore("a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-text-"));
  const path = join(folder, "player", "scene.json");
  return Promise.resolve({
    open: () => new FileTextStore(path),
    damage: (text) => writeFileSync(path, text),
    obstruct: () => mkdirSync(path, { recursive: true }),
    clear: () => rmSync(path, { recursive: true }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  });
});
