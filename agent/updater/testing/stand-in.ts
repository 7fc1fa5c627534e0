/**
 * A small agent or player of a release, for tests of whole updates: `stand-in.js agent|player RELEASE WORLD SOCKET`. How it behaves is in its
 * release's `behaviour.json`. The agent runs the real executor of `software.update`, with a journal of two files.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linuxSoftwareUpdater } from "../../../platform/linux/linux-software-updater.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { parseJson, type Json } from "../../../platform/runtime/json.ts";
import type { Execution } from "../../core/commands/executor.ts";
import type { IntentNote } from "../../core/commands/journal-entry.ts";
import { verdictOf } from "../../core/updates/trial-judge.ts";
import { softwareUpdateExecutor } from "../../core/updates/software-update-executor.ts";
import type { CommandParams } from "../../protocol/commands/catalog.ts";

export interface Behaviour {
  /** `exits`: before it does anything. `crashes`: after a moment. */
  readonly agent: "runs" | "exits" | "crashes";
  /** The verdict over what its player shows. */
  readonly picture: "showing" | "unknown" | "error-page";
  readonly cloud: boolean;
  /** How many times as fast as real its judge's clock runs: the judge is done long before the updater's time limit, however busy the machine is. */
  readonly judgeHurry: number;
}

const [, , role = "", release = "", world = "", socket = ""] = process.argv;
const behaviour = JSON.parse(readFileSync(join(release, "behaviour.json"), "utf8")) as Behaviour;
const at = (name: string): string => join(world, name);
const timers = new SystemTimers();

if (role === "player") {
  writeWhole("screen", behaviour.picture);
  timers.after("test.stay", 3_600_000, () => {});
} else await agent();

async function agent(): Promise<void> {
  if (behaviour.agent === "exits") process.exit(70);
  if (behaviour.agent === "crashes") timers.after("test.crash", 300, () => process.exit(71));
  writeWhole("agent-version", versionOf());
  const executor = softwareUpdateExecutor({
    software: linuxSoftwareUpdater(socket),
    files: { fetch: ({ url }) => Promise.resolve(ok(at(url.slice(url.lastIndexOf("/") + 1)))), keepPicture: ({ bytes }) => Promise.resolve(ok(writeFileSync(at("picture"), bytes))), picture: () => Promise.resolve(existsSync(at("picture")) ? { bytes: readFileSync(at("picture")), contentType: "image/jpeg" } : undefined), clear: () => Promise.resolve() },
    version: versionOf(),
    verdict: () => verdictOf(readFileSync(at("screen"), "utf8")),
    hasPlayer: () => existsSync(at("screen")),
    isOnline: () => behaviour.cloud,
    serverNowMs: () => systemClock.wallMs(),
    picture: () => Promise.resolve(ok({ bytes: Buffer.from(`a picture of ${versionOf()}`), contentType: "image/jpeg" })),
    uploader: { upload: ({ bytes }) => Promise.resolve(ok({ name: Buffer.from(bytes).toString(), sha256: "", bytes: bytes.length })) },
    changed: () => {},
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * behaviour.judgeHurry }, timers, random: systemRandom,
  });
  const signal = new AbortController().signal;
  while (!existsSync(at("request.json"))) await pause();
  if (existsSync(at("outcome.json"))) return stay();
  const params = read("request.json") as unknown as CommandParams<"software.update">;
  const note = existsSync(at("note.json")) ? (read("note.json") as IntentNote) : undefined;
  let end = note === undefined ? undefined : await executor.resolve?.(params, note, { overdue: false, signal });
  if (end === undefined || end.state === "not-started") {
    end = await executor.run(params, {
      id: "u1", attempt: 1, signal, progress: () => {},
      intend: (made) => Promise.resolve(writeWhole("note.json", JSON.stringify(made))),
    });
  }
  report(end.state === "unknown" ? { state: "failed", ...fail("outcome-unknown", "") } : end);
  stay();
}

/** Never a second one: the file must not be there. */
function report(end: Execution): void {
  const text = JSON.stringify({ ...end, by: versionOf() });
  writeFileSync(at("outcome.tmp"), text);
  if (existsSync(at("outcome.json"))) writeFileSync(at("second-outcome.json"), text);
  else renameSync(at("outcome.tmp"), at("outcome.json"));
}

function stay(): void {
  timers.after("test.stay", 3_600_000, () => {});
}

function pause(): Promise<void> {
  return new Promise((resolve) => timers.after("test.pause", 50, resolve));
}

function versionOf(): string {
  return (JSON.parse(readFileSync(join(release, "release.json"), "utf8")) as { version: string }).version;
}

function read(name: string): Json {
  return parseJson(readFileSync(at(name), "utf8")) ?? null;
}

function writeWhole(name: string, text: string): void {
  writeFileSync(at(`${name}.tmp`), text);
  renameSync(at(`${name}.tmp`), at(name));
}
