import type { Clock } from "../../../platform/ports/clock.ts";
import { seen } from "../../../platform/ports/reading.ts";
import type { KeyTarget } from "../state/keys/setting-keys.ts";
import type { Migration } from "./migration.ts";

/** The migration as what makes `cloud.endpoints` of the desired document so. */
export function migrationTarget(migration: Migration, clock: Clock): KeyTarget<readonly string[]> {
  // What is committed, not what is being tried: while a trial lasts, the device has not moved.
  const committed = (): string[] => [...migration.state().committed];
  return {
    observe: () => Promise.resolve(seen(committed(), clock.monotonicMs())),
    atRest: () => migration.forgiven(),
    apply: async (wanted) => {
      const { status, error } = await migration.apply(wanted);
      const observed = seen(committed(), clock.monotonicMs());
      return { kind: "effect", effect: { attempted: true, acknowledged: status === "applied", observed, ...(error === undefined ? {} : { error }) } };
    },
  };
}
