import type { App, Session, WebContents } from "electron";
import { mayNavigate, mayPass, originForPeople, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { RefusedThing } from "../../stage/shell.ts";

/** As much of a session as has to be locked. */
export type LockableSession = Pick<
  Session,
  | "setPermissionRequestHandler"
  | "setPermissionCheckHandler"
  | "setDevicePermissionHandler"
  | "setDisplayMediaRequestHandler"
  | "setUSBProtectedClassesHandler"
  | "on"
  | "off"
>;

/** As much of the app as has to be locked. */
export type LockableApp = Pick<App, "on" | "off">;

/** What happens in a page before it happens, as far as it can be prevented. */
export interface LockableContents {
  setWindowOpenHandler: WebContents["setWindowOpenHandler"];
  on(event: "will-navigate" | "will-redirect" | "will-frame-navigate", listener: (details: NavigationDetails) => void): unknown;
  on(event: "will-attach-webview", listener: (event: { preventDefault(): void }) => void): unknown;
  on(event: "select-bluetooth-device", listener: (event: { preventDefault(): void }, devices: unknown, callback: (id: string) => void) => void): unknown;
}

export interface NavigationDetails {
  readonly url: string;
  readonly isMainFrame: boolean;
  preventDefault(): void;
}

export type Refuse = (what: RefusedThing, detail: string) => void;

/** Chromium's names for requests to the site's network and to this machine; the last one is the older form of both. */
const LOCAL_NETWORK: ReadonlySet<string> = new Set(["local-network", "loopback-network", "local-network-access"]);

/** Every class that Electron knows. Its own list is shorter, and what is not on it a page may reach. */
const USB_CLASSES = ["audio", "audio-video", "hid", "mass-storage", "smart-card", "video", "wireless"];

/**
 * No page gets any permission, any device, any capture or any download. Electron grants all of them by default. The one
 * exception is the local network, for documents that `localNetwork` allows.
 * Returns the undo, because a session outlives the window that it was locked for.
 */
export function lockSession(session: LockableSession, localNetwork: (url: string) => boolean, refuse: Refuse): () => void {
  const granted = (permission: string, url: string): boolean => LOCAL_NETWORK.has(permission) && localNetwork(url);
  session.setPermissionRequestHandler((_contents, permission, callback, details) => {
    const allowed = granted(permission, details.requestingUrl);
    if (!allowed) refuse("permission", permission);
    callback(allowed);
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => granted(permission, origin));
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, callback) => {
    refuse("permission", "display-capture");
    callback(null);
  });
  session.setUSBProtectedClassesHandler(() => USB_CLASSES);
  const onDownload = (event: { preventDefault(): void }, item: { getURL(): string }): void => {
    refuse("download", item.getURL().slice(0, 500));
    event.preventDefault();
  };
  const noDevice = (kind: string) => (event: { preventDefault(): void }, _details: unknown, choose: (id: string) => void): void => {
    refuse("permission", kind);
    event.preventDefault();
    choose("");
  };
  const [noHid, noUsb, serial] = [noDevice("hid"), noDevice("usb"), noDevice("serial")];
  const noSerial = (event: { preventDefault(): void }, ports: unknown, _contents: unknown, choose: (id: string) => void): void => serial(event, ports, choose);
  session.on("will-download", onDownload);
  session.on("select-hid-device", noHid);
  session.on("select-usb-device", noUsb);
  session.on("select-serial-port", noSerial);
  return () => {
    session.off("will-download", onDownload);
    session.off("select-hid-device", noHid);
    session.off("select-usb-device", noUsb);
    session.off("select-serial-port", noSerial);
  };
}

/**
 * No server gets a client certificate and none a password. Left alone, Electron sends the first certificate of the
 * machine's store to whoever asks. At the app, because a service worker asks without a page. Returns the undo.
 */
export function lockApp(app: LockableApp, refuse: Refuse): () => void {
  const noCertificate = (event: { preventDefault(): void }, _contents: unknown, url: string, _list: unknown, choose: (certificate?: Electron.Certificate) => void): void => {
    refuse("dialog", `client certificate for ${originForPeople(url)}`);
    event.preventDefault();
    choose();
  };
  const noPassword = (event: { preventDefault(): void }, _contents: unknown, details: { readonly url: string }, _auth: unknown, answer: (user?: string, password?: string) => void): void => {
    refuse("dialog", `password for ${originForPeople(details.url)}`);
    event.preventDefault();
    answer();
  };
  app.on("select-client-certificate", noCertificate);
  app.on("login", noPassword);
  return () => {
    app.off("select-client-certificate", noCertificate);
    app.off("login", noPassword);
  };
}

/**
 * The page stays where its content is: what it begins itself has to stay within the rules, and a redirect may pass
 * elsewhere on the web. Where it ends is judged by the guard over the requests, which knows whose load it is. Frames
 * inside the page may go where they like (they get neither API nor preload), but never into our own schemes.
 * `heldBack` hears of the page's own navigations that were stopped.
 */
export function lockContents(contents: LockableContents, rules: () => NavigationRules, heldBack: (url: string) => void, refuse: Refuse): void {
  const stop = (details: NavigationDetails): void => {
    if (details.isMainFrame) heldBack(details.url);
    else refuse("navigation", details.url.slice(0, 500));
    details.preventDefault();
  };
  const guard = (details: NavigationDetails): void => {
    if (!(details.isMainFrame ? mayNavigate(rules(), details.url) : frameMayGo(details.url))) stop(details);
  };
  const guardRedirect = (details: NavigationDetails): void => {
    if (!(details.isMainFrame ? mayPass(rules(), details.url) || mayNavigate(rules(), details.url) : frameMayGo(details.url))) stop(details);
  };
  contents.on("will-navigate", guard);
  contents.on("will-redirect", guardRedirect);
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
}

function frameMayGo(url: string): boolean {
  return ["https://", "http://", "about:", "blob:", "data:"].some((start) => url.startsWith(start));
}
