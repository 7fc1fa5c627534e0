import type { DeviceDetail, DeviceSummary } from "../../model/api-types.ts";
import type { Announcer } from "../../ui/announce.dom.ts";
import type { Store } from "../../data/store.dom.ts";

/** What every section of a device's page works with. `signal` aborts when the section leaves the page. */
export interface DeviceContext {
  readonly store: Store;
  readonly announcer: Announcer;
  readonly id: string;
  readonly signal: AbortSignal;
}

export function detailOf({ store, id }: DeviceContext): DeviceDetail | undefined {
  return store.details.get(id);
}

export function summaryOf({ store, id }: DeviceContext): DeviceSummary | undefined {
  return store.devices.get(id);
}

/** Runs `show` now and whenever anything about the device, or the connection to the server, changed. */
export function whenever(context: DeviceContext, show: () => void): void {
  context.store.on(context.signal, (change) => {
    if (change.t === "link" || change.t === "reload" || ((change.t === "device" || change.t === "detail") && change.id === context.id)) show();
  });
  show();
}

export function pathOf({ id }: DeviceContext, rest = ""): string {
  return `/devices/${encodeURIComponent(id)}${rest}`;
}
