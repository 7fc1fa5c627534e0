import type { App, Session, WebContents } from "electron";
import { mayNavigate, mayPass, originForPeople, type NavigationRules } from "../../stage/navigation-rules.ts";
import type { RefusedThing } from "../../stage/shell.ts";

/** The part of Electron's `Session` that is locked. */
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

/** The part of Electron's `App` that is locked. */
export type LockableApp = Pick<App, "on" | "off">;

/** The part of `WebContents` whose events can be prevented. */
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

/** Chromium's permissions for requests to the local network and to this machine; the last is the older name of both. */
const LOCAL_NETWORK: ReadonlySet<string> = new Set(["local-network", "loopback-network", "local-network-access"]);

/** Every class that Electron knows. Its default list is shorter, and pages may reach the classes not on it. */
const USB_CLASSES = ["audio", "audio-video", "hid", "mass-storage", "smart-card", "video", "wireless"];

/**
 * Denies every permission, device, capture and download, all of which Electron grants by default. The one exception is
 * local network access for documents that `localNetwork` allows.
 * Returns a function that removes the listeners, because a session outlives its window.
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
 * Gives no server a client certificate or a password. By default Electron sends the first certificate of the machine's
 * store to any server. Set on the app, because a service worker's request has no page. Returns a function that removes the
 * listeners.
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
 * Keeps the page on its content: its own navigations must follow the rules. Redirects may pass elsewhere on the web; the
 * `FetchGuard`, which knows the loads, judges where they end. Frames in the page (which get neither API nor preload) may go
 * anywhere except into our own schemes. `heldBack` is called for each navigation of the page that was stopped.
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
