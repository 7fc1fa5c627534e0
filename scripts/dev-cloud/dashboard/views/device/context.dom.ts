import type { DeviceDetail, DeviceSummary } from "../../model/api-types.ts";
import type { Announcer } from "../../ui/announce.dom.ts";
import { useDrawnOn } from "../../ui/hooks.dom.ts";
import type { Store } from "../../data/store.dom.ts";

/** Context of all sections of a device page. */
export interface DeviceContext {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly id: string;
}

export interface SectionProps {
  readonly context: DeviceContext;
}

export function detailOf({ store, id }: DeviceContext): DeviceDetail | undefined {
  return store.details.get(id);
}

export function summaryOf({ store, id }: DeviceContext): DeviceSummary | undefined {
  return store.devices.get(id);
}

/** Re-renders the component when the device or the connection to the server changes. */
export function useDevice(context: DeviceContext): void {
  useDrawnOn(context.store, (change) => change.t === "link" || change.t === "reload" || ((change.t === "device" || change.t === "detail") && change.id === context.id));
}

export function pathOf({ id }: DeviceContext, rest = ""): string {
  return `/devices/${encodeURIComponent(id)}${rest}`;
}
