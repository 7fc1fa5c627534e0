import type { Invariant } from "./invariant.ts";

/** Once the world is well, every device is online at the cloud it belongs to, within the time a run gives it. */
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
