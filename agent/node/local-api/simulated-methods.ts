import { toJsonSchema } from "@valibot/to-json-schema";
import { ok } from "../../../platform/ports/result.ts";
import type { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { simulatedActions } from "../../../platform/simulated/world-actions.ts";
import type { LocalMethods } from "./local-server.ts";

/**
 * The simulated-hardware panel's side of the local API; there only with the simulated adapter, and loaded
 * only then. `simulated.actions`: what a person can do, with JSON Schemas; `simulated.state`: the world;
 * `simulated.apply`: does `{ action, params }`.
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
