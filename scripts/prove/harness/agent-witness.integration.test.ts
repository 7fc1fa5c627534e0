import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test.each<[string, (world: string) => void]>([
  ["cut off", (world) => writeFileSync(world, '{"version":1,"serial":"x","gp')],
  ["of another shape", (world) => writeFileSync(world, '{"version":1}')],
  ["a folder", (world) => mkdirSync(world)],
])("a simulated world's file that is %s does not stop the agent before it has seen it", (_what, damage) => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-witness-"));
  try {
    damage(join(folder, "simulated-world.json"));
    const program = join(folder, "program.mjs");
    writeFileSync(program, "");
    const env = { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1", VITRINE_PROVE_EFFECTS: join(folder, "effects.jsonl"), VITRINE_PROVE_POINTS: join(folder, "points.txt"), VITRINE_PROVE_ARM: "signal" };
    const ended = spawnSync(process.execPath, ["--import", join(import.meta.dirname, "agent-witness.ts"), program, "--data", folder], { env, encoding: "utf8" });
    expect([ended.status, ended.stderr]).toEqual([0, ""]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
