import { Api } from "./data/api.dom.ts";
import { Live } from "./data/live.dom.ts";
import { Store } from "./data/store.dom.ts";
import { DEVICE_TABS, hashOf, parseRoute } from "./model/route.ts";
import { Announcer } from "./ui/announce.dom.ts";
import { openClaimDialog } from "./views/claim-dialog.dom.ts";
import { deviceView, type DevicePage } from "./views/device.dom.ts";
import { fleetView } from "./views/fleet.dom.ts";
import { openHelp, singleKeysOn } from "./views/help-dialog.dom.ts";
import { shell } from "./views/shell.dom.ts";

/** The dashboard: one store fed by one event stream, one view at a time chosen by the address. */
const api = new Api();
const store = new Store(api);
const announcer = new Announcer();
const whole = new AbortController();
const live = new Live({ onEvent: (name, data) => store.take(name, data), onState: (state) => store.setLink(state) });
const openClaim = (code?: string): void => openClaimDialog(store, announcer, code);
const page = shell({ store, announcer, openClaim: () => openClaim(), openHelp, retryNow: () => live.retryNow() }, whole.signal);
document.body.replaceChildren(page.root);

interface Shown {
  readonly id: string;
  readonly ends: AbortController;
  /** Where the page is one of a device. */
  readonly device?: DevicePage;
}

let shown: Shown | undefined;

function showRoute(): void {
  const route = parseRoute(location.hash);
  const id = route.page === "fleet" ? "fleet" : route.id;
  if (route.page === "device" && shown?.id === id) {
    // Another section of the same device keeps the picture and the reader's place.
    shown.device?.show(route.tab);
    return;
  }
  if (shown?.id === id) return;
  const isFirst = shown === undefined;
  shown?.ends.abort();
  const ends = new AbortController();
  if (route.page === "fleet") {
    void store.follow(undefined);
    shown = { id, ends };
    page.main.replaceChildren(fleetView({ store, openClaim }, ends.signal));
    document.title = "Fleet — Vitrine development cloud";
  } else {
    const device = deviceView({ store, announcer, openClaim }, route, ends.signal);
    shown = { id, ends, device };
    page.main.replaceChildren(device.root);
  }
  if (isFirst) return;
  window.scrollTo(0, 0);
  page.main.focus();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || !singleKeysOn()) return;
  if (document.querySelector("dialog[open]") !== null) return;
  if (!runShortcut(event.key)) return;
  event.preventDefault();
}

/** True when the key meant something here. */
function runShortcut(key: string): boolean {
  const route = parseRoute(location.hash);
  switch (key) {
    case "?":
      openHelp();
      return true;
    case "c":
      openClaim();
      return true;
    case "f":
      location.hash = hashOf({ page: "fleet" });
      return true;
    case "/": {
      const find = document.querySelector<HTMLElement>("[data-find]");
      find?.focus();
      return find !== null;
    }
    case "[":
    case "]": {
      if (route.page === "fleet") return false;
      const ids = [...store.devices.values()].sort((left, right) => left.name.localeCompare(right.name) || left.id.localeCompare(right.id)).map((device) => device.id);
      const next = ids.at((ids.indexOf(route.id) + (key === "]" ? 1 : -1)) % ids.length);
      if (next !== undefined) location.hash = hashOf({ ...route, id: next });
      return true;
    }
    default: {
      const tab = /^[1-9]$/.test(key) ? DEVICE_TABS[Number(key) - 1] : undefined;
      if (route.page === "fleet" || tab === undefined) return false;
      location.hash = hashOf({ ...route, tab });
      return true;
    }
  }
}

window.addEventListener("hashchange", showRoute);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => live.setScreens(!document.hidden));
showRoute();
void live.run(whole.signal);
