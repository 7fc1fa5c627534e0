import type { Invariant } from "./invariant.ts";

/** The cloud's desired document is applied, and every key of it has a result. */
export const desiredConverges: Invariant = {
  name: "desired-converges",
  healed({ devices, home }) {
    for (const device of devices) {
      const { agent, id } = device;
      const wanted = home.store.document(id, "desired");
      if (agent === undefined || wanted === undefined) return `${id} has no agent or no document`;
      const version = agent.parts.desired.version();
      if (version !== wanted.version) return `${id} has version ${version} of the desired document; the cloud has ${wanted.version}`;
      const keys = agent.parts.reported.document().desired?.keys ?? {};
      const open = Object.entries(keys).find(([, result]) => result.status !== "applied");
      if (open !== undefined) return `${id}: ${open[0]} is ${JSON.stringify(open[1])}`;
    }
    return undefined;
  },
};
