import type { DeviceSummary } from "./api-types.ts";
import { wallOf, type Freshness } from "./verdict.ts";

export const FLEET_STATES = ["all", "wrong", "offline", "unclaimed", "alarms", "showing"] as const;
export type FleetState = (typeof FLEET_STATES)[number];

export const FLEET_LABELS: Readonly<Record<FleetState, string>> = {
  all: "All devices",
  showing: "Showing",
  wrong: "Wrong picture",
  offline: "Offline",
  unclaimed: "Unclaimed",
  alarms: "With alarms",
};

export function isIn(state: FleetState, device: DeviceSummary, freshness: Freshness): boolean {
  switch (state) {
    case "all":
      return true;
    case "showing":
      return wallOf(device, freshness).tone === "good";
    case "wrong":
      return wallOf(device, freshness).tone === "bad";
    case "offline":
      return device.link.state !== "online";
    case "unclaimed":
      return !device.claimed;
    case "alarms":
      return device.alarms.length > 0;
  }
}

/** Whether every word occurs in one of the device's texts, such as name, id, content, pairing code, alarm or verdict. */
export function matchesText(device: DeviceSummary, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return true;
  const parts = [
    device.name, device.id, device.adapter, device.platform, device.agentVersion, device.pairing?.code, device.verdict?.verdict, device.link.state,
    JSON.stringify(device.player), ...device.alarms.map((alarm) => `${alarm.code} ${alarm.message}`),
  ];
  const haystack = parts.filter((part) => part !== null && part !== undefined).join("\n").toLowerCase();
  return words.every((word) => haystack.includes(word));
}
