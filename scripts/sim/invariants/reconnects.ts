import type { Invariant } from "./invariant.ts";

/** Once the world has healed, every device is online at its cloud within the time limit. */
export const reconnects: Invariant = {
  name: "reconnects",
  healed({ devices, home }) {
    for (const device of devices) {
      const status = device.agent?.link.status();
      if (status?.kind !== "online") return `${device.id} is ${device.off ? "off" : device.alive ? JSON.stringify(status ?? "starting") : "not running"}`;
      if (home.cloud?.context.live.get(device.id) === undefined) return `${device.id} is online at ${status.endpoint}, not at ${home.name}`;
    }
    return undefined;
  },
};
