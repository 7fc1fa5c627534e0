import type { Session, WebContents } from "electron";
import { mayNavigate, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { RefusedThing } from "../../stage/shell.ts";

/** As much of a session as has to be locked. */
export type LockableSession = Pick<
  Session,
  | "setPermissionRequestHandler"
  | "setPermissionCheckHandler"
  | "setDevicePermissionHandler"
  | "setDisplayMediaRequestHandler"
  | "setUSBProtectedClassesHandler"
> & { on(event: "will-download", listener: (event: { preventDefault(): void }, item: { getURL(): string }) => void): unknown };

/** What happens in a page before it happens, as far as it can be prevented. */
export interface LockableContents {
  setWindowOpenHandler: WebContents["setWindowOpenHandler"];
  on(event: "will-navigate" | "will-redirect" | "will-frame-navigate", listener: (details: NavigationDetails) => void): unknown;
  on(event: "will-attach-webview", listener: (event: { preventDefault(): void }) => void): unknown;
  on(event: "select-bluetooth-device", listener: (event: { preventDefault(): void }, devices: unknown, callback: (id: string) => void) => void): unknown;
  on(event: "login", listener: (event: { preventDefault(): void }) => void): unknown;
}

export interface NavigationDetails {
  readonly url: string;
  readonly isMainFrame: boolean;
  preventDefault(): void;
}

export type Refuse = (what: RefusedThing, detail: string) => void;

/** No page gets any permission, any device, any capture or any download. Electron grants all of them by default. */
export function lockSession(session: LockableSession, refuse: Refuse): void {
  session.setPermissionRequestHandler((_contents, permission, callback) => {
    refuse("permission", permission);
    callback(false);
  });
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, callback) => {
    refuse("permission", "display-capture");
    callback(null);
  });
  // Every class is protected: no page reaches a USB device.
  session.setUSBProtectedClassesHandler(({ protectedClasses }) => protectedClasses);
  session.on("will-download", (event, item) => {
    refuse("download", item.getURL().slice(0, 500));
    event.preventDefault();
  });
}

/**
 * The page stays where its content is. `loading` tells a load of the host's own, whose redirects are followed;
 * everything the page itself begins has to stay within the rules. Frames inside the page may go where they like
 * (they get neither API nor preload), but never into our own schemes.
 */
export function lockContents(contents: LockableContents, rules: () => NavigationRules, loading: () => boolean, refuse: Refuse): void {
  const guard = (details: NavigationDetails): void => {
    if (mayGo(details, rules(), loading())) return;
    refuse("navigation", details.url.slice(0, 500));
    details.preventDefault();
  };
  contents.on("will-navigate", guard);
  contents.on("will-redirect", guard);
  contents.on("will-frame-navigate", guard);
  contents.setWindowOpenHandler(({ url }) => {
    refuse("window", url.slice(0, 500));
    return { action: "deny" };
  });
  contents.on("will-attach-webview", (event) => {
    refuse("window", "webview");
    event.preventDefault();
  });
  contents.on("select-bluetooth-device", (event, _devices, callback) => {
    refuse("permission", "bluetooth");
    event.preventDefault();
    callback("");
  });
  // Without a listener Electron cancels; with one that does nothing, too. Said here so that nobody adds a dialog.
  contents.on("login", () => refuse("dialog", "http authentication"));
}

function mayGo({ url, isMainFrame }: NavigationDetails, rules: NavigationRules, loadingByHost: boolean): boolean {
  if (mayNavigate(rules, url)) return true;
  const web = url.startsWith("https://") || url.startsWith("http://");
  if (!isMainFrame) return web || url.startsWith("about:") || url.startsWith("blob:") || url.startsWith("data:");
  return loadingByHost && web;
}
