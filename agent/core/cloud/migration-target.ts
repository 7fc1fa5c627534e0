import type { Clock } from "../../../platform/ports/clock.ts";
import { seen } from "../../../platform/ports/reading.ts";
import type { KeyTarget } from "../state/keys/setting-keys.ts";
import type { Migration } from "./migration.ts";

/** Applies `cloud.endpoints` of the desired document through the migration. */
export function migrationTarget(migration: Migration, clock: Clock): KeyTarget<readonly string[]> {
  // Not the endpoints on trial: during a trial the device has not moved.
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
