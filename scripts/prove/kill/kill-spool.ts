import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHILD = join(import.meta.dirname, "spool-child.ts");
const WITNESS = join(import.meta.dirname, "../harness/agent-witness.ts");
const CHILD_MS = 20_000;

export interface SpoolKillFigures {
  readonly counted: number;
  readonly kills: number;
  readonly violations: readonly string[];
}

interface Life {
  readonly said: readonly (readonly [what: string, id: string])[];
  readonly killed: boolean;
  readonly points: number;
}

/**
 * Kills the player host before and after each durable write of its spool, which keeps plays while the agent is away. Every
 * play that the page was told is kept must be there in the next run, unless the agent had taken it.
 */
export async function killSpoolAtWrites(writesMax = Infinity): Promise<SpoolKillFigures> {
  const violations: string[] = [];
  let counted = 0;
  let kills = 0;
  for (const when of ["before", "after"] as const) {
    for (let k = 0; k <= writesMax; k += 1) {
      const folder = mkdtempSync(join(tmpdir(), "vitrine-prove-spool-"));
      const first = live(folder, "a", k === 0 ? undefined : `${k}:${when}`);
      if (k === 0) counted = first.points;
      violations.push(...lost(first, live(folder, "b")).map((id) => `player host's spool, ${when} write ${k}: the play ${id} was kept and is gone`));
      rmSync(folder, { recursive: true, force: true });
      if (first.killed) kills += 1;
      else if (k > 0) break;
      // Let the campaign's other devices run.
      await Promise.resolve();
    }
  }
  return { counted, kills, violations };
}

/** Plays reported as kept in the first run, not taken by the agent, and missing in the second. */
function lost(first: Life, second: Life): readonly string[] {
  const removed = new Set(first.said.filter(([what]) => what === "removed").map(([, id]) => id));
  const found = new Set(second.said.filter(([what]) => what === "waiting").map(([, id]) => id));
  return first.said.filter(([what, id]) => what === "kept" && !removed.has(id) && !found.has(id)).map(([, id]) => id);
}

function live(folder: string, life: string, kill?: string): Life {
  const points = join(folder, "points.txt");
  const ran = spawnSync(process.execPath, ["--import", WITNESS, CHILD, join(folder, "spool", "pages.jsonl"), life], {
    encoding: "utf8",
    timeout: CHILD_MS,
    env: { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1", VITRINE_PROVE_POINTS: points, VITRINE_PROVE_ARM: "start", ...(kill !== undefined && { VITRINE_PROVE_KILL: kill }) },
  });
  const killed = ran.signal === "SIGKILL" && kill !== undefined;
  if (!killed && ran.status !== 0) throw new Error(`the spool's process ended with ${ran.status ?? ran.signal ?? "nothing"}: ${ran.stderr}`);
  const said = ran.stdout.split("\n").filter((line) => line !== "").map((line) => line.split(" ") as [string, string]);
  return { said, killed, points: readFileSync(points, "utf8").split("\n").filter((line) => line !== "" && line !== "start" && line !== "armed").length };
}
