import { STREAMS } from "../../../agent/protocol/records.ts";
import type { Invariant } from "./invariant.ts";

/** Once the world has healed, the outbox and the player's spool become empty. */
export const drained: Invariant = {
  name: "drained",
  healed({ devices }) {
    for (const device of devices) {
      const { agent, player } = device;
      if (agent === undefined) return `${device.id} is not running`;
      if (!player.isDrained) return `the player host of ${device.id} keeps records of its page that the agent has not taken`;
      const { ranges, degraded } = agent.ports.outbox.status();
      if (degraded !== undefined) return `the outbox of ${device.id} is still in memory: ${degraded.message}`;
      // Telemetry continues, so metrics do not count.
      const stream = STREAMS.find((name) => name !== "metric" && ranges[name].newest >= ranges[name].oldest);
      if (stream !== undefined) return `${stream} of ${device.id} holds ${ranges[stream].oldest} to ${ranges[stream].newest}`;
    }
    return undefined;
  },
};
