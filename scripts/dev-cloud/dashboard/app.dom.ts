import { h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Api } from "./data/api.dom.ts";
import { Live } from "./data/live.dom.ts";
import { Store } from "./data/store.dom.ts";
import { DEVICE_TABS, hashOf, parseRoute } from "./model/route.ts";
import { Announcer } from "./ui/announce.dom.ts";
import type { View } from "./ui/hooks.dom.ts";
import { openClaimDialog } from "./views/claim-dialog.dom.ts";
import { DevicePage } from "./views/device.dom.ts";
import { Fleet } from "./views/fleet.dom.ts";
import { openHelp, singleKeysOn } from "./views/help-dialog.dom.ts";
import { Shell } from "./views/shell.dom.ts";

/** The dashboard: one store fed by one event stream; the URL hash selects the view. */
const api = new Api();
const store = new Store(api);
const announcer = new Announcer();
const whole = new AbortController();
const live = new Live({ onEvent: (name, data) => store.take(name, data), onState: (state) => store.setLink(state) });
const openClaim = (code?: string): void => openClaimDialog(store, announcer, code);

function App(): View {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  const page = route.page === "fleet" ? "fleet" : route.id;
  const shown = useRef(page);
  useEffect(() => window.addEventListener("hashchange", () => setRoute(parseRoute(location.hash))), []);
  useEffect(() => {
    if (route.page === "fleet") {
      void store.follow(undefined);
      document.title = "Fleet — Vitrine development cloud";
    }
    // Switching sections of the same device keeps the scroll position.
    if (shown.current === page) return;
    shown.current = page;
    window.scrollTo(0, 0);
    document.querySelector("main")?.focus();
  }, [page]);
  return h(
    Shell,
    { store, announcer, openClaim: () => openClaim(), openHelp, retryNow: () => live.retryNow() },
    route.page === "fleet" ? h(Fleet, { store, openClaim }) : h(DevicePage, { key: route.id, store, announcer, openClaim, id: route.id, tab: route.tab }),
  );
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

/** Returns whether the key is a shortcut here. */
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

document.body.replaceChildren();
render(h(App, {}), document.body);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => live.setScreens(!document.hidden));
void live.run(whole.signal);
