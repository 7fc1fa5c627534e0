import { toJsonSchema } from "@valibot/to-json-schema";
import { ok } from "../../../platform/ports/result.ts";
import type { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { simulatedActions } from "../../../platform/simulated/world-actions.ts";
import type { LocalMethods } from "./local-server.ts";

/**
 * Methods for the simulated-hardware panel; loaded only with the simulated adapter. `simulated.actions` lists the possible
 * actions with JSON Schemas, `simulated.state` returns the world, and `simulated.apply` performs `{ action, params }`.
 */
export function simulatedMethods(world: SimulatedWorld): LocalMethods {
  const actions = simulatedActions.map(({ name, label, help, group, params }) => ({ name, label, help, group, params: toJsonSchema(params, { errorMode: "ignore" }) }));
  return {
    "simulated.actions": () => Promise.resolve(ok({ actions })),
    "simulated.state": () => Promise.resolve(ok(world.state)),
    "simulated.apply": (params) => {
      const applied = world.apply(params);
      return Promise.resolve(applied.ok ? ok(world.state) : applied);
    },
  };
}
