export const DEVICE_TABS = ["overview", "commands", "desired", "telemetry", "activity", "files", "lab"] as const;
export type DeviceTab = (typeof DEVICE_TABS)[number];

export const TAB_LABELS: Readonly<Record<DeviceTab, string>> = {
  overview: "State",
  commands: "Commands",
  desired: "Desired state",
  telemetry: "Telemetry",
  activity: "Activity",
  files: "Files",
  lab: "Hardware lab",
};

export type Route = { readonly page: "fleet" } | { readonly page: "device"; readonly id: string; readonly tab: DeviceTab };

/** Parses `location.hash`; anything unknown is the fleet. */
export function parseRoute(hash: string): Route {
  const [kind, id, tab] = hash.replace(/^#?\/?/, "").split("/");
  if (kind !== "device" || id === undefined || !/^[A-Za-z0-9._:-]{1,64}$/.test(id)) return { page: "fleet" };
  return { page: "device", id, tab: DEVICE_TABS.find((known) => known === tab) ?? "overview" };
}

export function hashOf(route: Route): string {
  return route.page === "fleet" ? "#/" : `#/device/${route.id}/${route.tab}`;
}
