import type { VisibleNetwork } from "../../../platform/ports/wifi-setup.ts";
import { closedPage, formPage, joiningPage, PORTAL_STYLE, refusedPage } from "./portal-page.ts";
import { readSetupForm, type SetupRequest } from "./setup-request.ts";

/** A request as the server read it. Everything in it is a stranger's. */
export interface PortalRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly host: string;
  readonly origin?: string;
  readonly contentType?: string;
  readonly body: string;
}

export interface PortalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the portal shows while the set-up network is open. */
export interface PortalView {
  readonly device: string;
  /** The portal's own `host[:port]`. Phones ask for other names to find out whether they are in a captive portal. */
  readonly host: string;
  readonly interface: string;
  readonly networks: readonly VisibleNetwork[];
  /** Random for each opening of the set-up network: forms of other pages do not know it. */
  readonly token: string;
  readonly problem?: string;
}

export interface PortalDeps {
  /** Absent while set-up is closed. */
  readonly view: () => PortalView | undefined;
  /** A valid choice; false if set-up does not take it any more. */
  readonly choose: (request: SetupRequest) => boolean;
}

const FIELDS_MAX = 16;
const HTML = { "content-type": "text/html; charset=utf-8" };
const COMMON = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  connection: "close",
};

/** Answers one request of the set-up portal. */
export function answerPortal({ view, choose }: PortalDeps, request: PortalRequest): PortalAnswer {
  const shown = view();
  if (request.method === "GET" || request.method === "HEAD") {
    if (shown === undefined) return answer(503, HTML, closedPage());
    // Also the check for a captive portal, whatever its name: a redirect makes the phone open the page.
    if (request.host !== shown.host) return redirect(shown);
    if (request.path === "/style.css") return answer(200, { "content-type": "text/css; charset=utf-8" }, PORTAL_STYLE);
    return request.path === "/" ? answer(200, HTML, formPage(shown)) : redirect(shown);
  }
  if (request.method !== "POST") return answer(405, { ...HTML, allow: "GET, HEAD, POST" }, refusedPage("This page can only be read and sent."));
  if (shown === undefined) return answer(503, HTML, closedPage());
  return post(shown, choose, request);
}

function post(view: PortalView, choose: PortalDeps["choose"], { host, origin, path, contentType = "", body }: PortalRequest): PortalAnswer {
  // A page of another site, also one whose name was made to lead here (DNS rebinding), can send forms but not read the token.
  if (host !== view.host || (origin !== undefined && origin !== `http://${view.host}`)) return answer(403, HTML, refusedPage("This form was sent by another page."));
  if (path !== "/join") return answer(404, HTML, refusedPage("There is no such page."));
  if (!contentType.toLowerCase().startsWith("application/x-www-form-urlencoded")) return answer(415, HTML, refusedPage("This is not the form of this page."));
  const form = parseForm(body);
  if (form === undefined) return answer(400, HTML, refusedPage("This is not the form of this page."));
  if (form.get("token") !== view.token) return answer(403, HTML, refusedPage("This form is of an earlier time. Open it again."));
  const read = readSetupForm(form, view.networks, view.interface);
  if (!read.ok) return answer(400, HTML, formPage({ ...view, problem: read.error.message, typed: form }));
  if (!choose(read.value)) return answer(409, HTML, closedPage());
  return answer(200, HTML, joiningPage(view.device, read.value.ssid));
}

function redirect({ host }: PortalView): PortalAnswer {
  return answer(302, { location: `http://${host}/` }, "");
}

function answer(status: number, headers: Readonly<Record<string, string>>, body: string): PortalAnswer {
  return { status, headers: { ...COMMON, ...headers }, body };
}

/** `undefined` for bad escapes, a repeated field, or too many of them. */
function parseForm(body: string): ReadonlyMap<string, string> | undefined {
  const form = new Map<string, string>();
  const parts = body.split("&").filter((part) => part !== "");
  if (parts.length > FIELDS_MAX) return undefined;
  for (const part of parts) {
    const cut = part.indexOf("=");
    const [name, value] = [decode(cut < 0 ? part : part.slice(0, cut)), decode(cut < 0 ? "" : part.slice(cut + 1))];
    if (name === undefined || value === undefined || form.has(name)) return undefined;
    form.set(name, value);
  }
  return form;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // A stranger's bad escape; the caller refuses the form.
    return undefined;
  }
}
