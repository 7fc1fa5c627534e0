import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { replaceDurablyNow } from "../node/durable-file.ts";
import { messageOf, type Issue } from "../ports/result.ts";
import { parseJson } from "../runtime/json.ts";
import { schemaIssueWords } from "../runtime/schema-issue.ts";
import { SimulatedWorld, type WorldDeps } from "./world.ts";
import { worldStateSchema, type WorldState } from "./world-state.ts";

/** A world's JSON has about 6 KiB. */
const FILE_BYTES_MAX = 1_048_576;

export interface WorldFile {
  readonly world: SimulatedWorld;
  /** Why the existing file was replaced by a fresh world. */
  readonly damage?: Issue;
  /** Failed writes since the start, and the last reason. The world continues without the file. */
  writeFailures(): { readonly count: number; readonly lastError?: string };
  /** Stops the world's timers and the writing of its file. */
  close(): void;
}

/**
 * A world kept in a file, so that the simulated hardware survives the agent. Every change is on disk before the call that
 * made it returns, because a real TV would keep its state even if the agent is killed right after. A damaged file is moved
 * aside, and a fresh world reports the `damage`.
 */
export function openWorldFile(path: string, deps: WorldDeps): WorldFile {
  mkdirSync(dirname(path), { recursive: true });
  const found = load(path, deps.clock.wallMs());
  const world = new SimulatedWorld(deps, found.state);
  const failures: { count: number; lastError?: string } = { count: 0 };
  const save = (): void => {
    try {
      replaceDurablyNow(path, JSON.stringify(world.state), 0o600);
    } catch (thrown) {
      // A full or read-only disk must not stop the simulated TV; `writeFailures` counts it.
      failures.count += 1;
      failures.lastError = messageOf(thrown);
    }
  };
  save();
  const undo = world.onChange(save);
  return {
    world,
    ...(found.damage === undefined ? {} : { damage: found.damage }),
    writeFailures: () => ({ ...failures }),
    close: () => {
      undo();
      world.close();
    },
  };
}

function load(path: string, nowMs: number): { readonly state?: WorldState; readonly damage?: Issue } {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    if (isMissing(thrown)) return {};
    return { damage: setAside(path, nowMs, messageOf(thrown)) };
  }
  if (text.length > FILE_BYTES_MAX) return { damage: setAside(path, nowMs, "it is too large") };
  const parsed = v.safeParse(worldStateSchema, parseJson(text));
  if (parsed.success) return { state: parsed.output };
  return { damage: setAside(path, nowMs, schemaIssueWords(parsed.issues[0]).message) };
}

function setAside(path: string, nowMs: number, why: string): Issue {
  const aside = `${path}.damaged-${Math.round(nowMs)}`;
  const message = `the simulated world's file could not be used (${why}); a fresh world was started`;
  try {
    renameSync(path, aside);
    return { code: "simulated.world-damaged", message, hint: `the old file is ${aside}` };
  } catch (thrown) {
    return { code: "simulated.world-damaged", message, hint: `the old file could not be moved aside: ${messageOf(thrown)}` };
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
