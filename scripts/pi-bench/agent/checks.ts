import { messageOf } from "../../../platform/ports/result.ts";
import type { SuiteResult } from "../tap.ts";
import type { EmulatedPlayer } from "./emulated-player.ts";

/** One thing that has to be true of the whole player. They run in order, on one machine. */
export interface Check<Player = EmulatedPlayer> {
  /** What holds, as a sentence. */
  readonly name: string;
  /** The others mean nothing after this one failed. */
  readonly needed?: boolean;
  /** Takes minutes, because it waits for a limit of the product; not run in the fast part. */
  readonly slow?: boolean;
  /** Rejects when it does not hold. */
  readonly run: (player: Player) => Promise<void>;
}

/** Runs the checks in order and prints each with its time. */
export async function runChecks<Player extends Pick<EmulatedPlayer, "revive">>(checks: readonly Check<Player>[], player: Player): Promise<SuiteResult> {
  const failures: { name: string; message: string }[] = [];
  let passed = 0;
  for (const { name, needed = false, run } of checks) {
    const startedMs = performance.now();
    const message = await run(player).then(
      () => undefined,
      (thrown: unknown) => messageOf(thrown),
    );
    const took = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
    if (message === undefined) {
      passed += 1;
      console.log(`  ✓ ${name} (${took})`);
      continue;
    }
    failures.push({ name, message });
    console.log(`  ✗ ${name} (${took})\n    ${message}`);
    if (needed) return { passed, failures, complete: false };
    // What comes next must not fail for what this check left behind.
    const revived = await player.revive().then(
      () => undefined,
      (thrown: unknown) => messageOf(thrown),
    );
    if (revived === undefined) continue;
    failures.push({ name: "the machine is switched off and on after a failed check", message: revived });
    return { passed, failures, complete: false };
  }
  return { passed, failures, complete: true };
}
