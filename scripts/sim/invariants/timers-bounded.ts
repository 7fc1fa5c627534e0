import type { Invariant } from "./invariant.ts";

/** An agent has about fifty timers for its schedules, and one per pending command, upload and report. */
const PER_AGENT_MAX = 150;

/** Timers do not pile up. */
export const timersBounded: Invariant = {
  name: "timers-bounded",
  always({ devices }) {
    for (const device of devices) {
      if (device.armedTimers > PER_AGENT_MAX) {
        const pending = device.pendingTimers();
        const names = [...new Set(pending)].map((name) => `${name} ×${pending.filter((other) => other === name).length}`);
        return `${device.id} has ${pending.length} timers: ${names.join(", ").slice(0, 600)}`;
      }
    }
    return undefined;
  },
};
