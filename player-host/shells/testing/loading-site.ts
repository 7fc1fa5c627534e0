import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server whose documents arrive late, by redirects, in part, or never, and a second origin as a redirect target. */
export interface LoadingSite {
  url(path: string): string;
  foreignUrl(path: string): string;
  hits(path: string): number;
  /** While on, every document of the first origin redirects to a sign-in page of the second, as behind a captive portal. */
  portal(on: boolean): void;
  /** Answers all requests to `/held` that are waiting, on both origins. */
  release(): void;
  /** Stops listening on the first origin. */
  goDown(): Promise<void>;
  close(): Promise<void>;
}

export const BLUE = "48,96,192";
const STYLE = `style="background:rgb(${BLUE});margin:0"`;
const CALLS = `<script>typeof vitrine === "object" && vitrine.emit("here", { at: location.pathname + location.hash });</script>`;
const leads = (how: string): string => `<body ${STYLE}>${CALLS}${how}`;

const PAGES: Readonly<Record<string, string>> = {
  "/blue": `<body ${STYLE}>${CALLS}`,
  "/board": `<body ${STYLE}>${CALLS}<h1 style="font-size:90px">Soup of the day</h1>`,
  "/signed-in": `<body ${STYLE}>${CALLS}`,
  "/other": `<body ${STYLE}>${CALLS}`,
  "/held": `<body ${STYLE}>${CALLS}`,
  "/sign-in": `<body style="background:red">${CALLS}`,
  "/moves-address": `<body ${STYLE}><script>history.pushState(null, "", "/not-there/2"); vitrine.emit("here", { at: location.pathname });</script>`,
  "/moves-part": `<body ${STYLE}><script>vitrine.emit("here", { at: location.hash }); location.hash = "elsewhere";</script>`,
  "/moves-on": `<body ${STYLE}>${CALLS}<script>onload = () => setTimeout(() => { location.href = "/other"; }, 50)</script>`,
  "/reloads-itself": `<body ${STYLE}>${CALLS}<script>vitrine.onMessage(() => location.reload())</script>`,
  "/leaves-when-told": `<body ${STYLE}>${CALLS}<script>vitrine.onMessage((to) => { location.href = to; })</script>`,
  "/endless": `<body ${STYLE}>${CALLS}`,
  "/worker": `<body ${STYLE}><script>navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(() => vitrine.emit("here", { at: "with its worker" }))</script>`,
};

const WORKER = `
  self.addEventListener("install", (event) => event.waitUntil(caches.open("v").then((cache) => cache.add("/worker"))));
  self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  self.addEventListener("fetch", (event) => event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((hit) => hit ?? fetch(event.request))));`;

export async function openLoadingSite(): Promise<LoadingSite> {
  const hits = new Map<string, number>();
  const held: ServerResponse[] = [];
  let portal = false;
  let foreignBase = "";
  const serve = (response: ServerResponse, path: string): void => {
    const page = PAGES[path];
    if (page === undefined) response.writeHead(404).end("none");
    else response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html>${page}`);
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    hits.set(pathname, (hits.get(pathname) ?? 0) + 1);
    response.setHeader("cache-control", "no-store");
    const to = searchParams.get("to") ?? "";
    if (portal) response.writeHead(302, { location: `${foreignBase}/sign-in` }).end();
    else if (pathname === "/redirect") response.writeHead(302, { location: to }).end();
    else if (pathname === "/signed-in" && request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    else if (pathname === "/circle") response.writeHead(302, { location: "/circle" }).end();
    else if (pathname === "/held") held.push(response);
    else if (pathname === "/worker.js") response.writeHead(200, { "content-type": "text/javascript" }).end(WORKER);
    else if (pathname === "/endless") response.writeHead(200, { "content-type": "text/html" }).write(`<!doctype html>${PAGES[pathname]}`);
    else if (pathname === "/cut") cutOff(response, searchParams.get("how") === "length");
    else if (pathname === "/leads") response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html>${leads(LEADS[searchParams.get("how") ?? ""]?.(to) ?? "")}`);
    else serve(response, pathname);
  };
  const home = await listen(answer);
  const foreign = await listen((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    hits.set(`foreign ${pathname}`, (hits.get(`foreign ${pathname}`) ?? 0) + 1);
    if (pathname === "/held") held.push(response);
    else if (pathname === "/back") response.writeHead(302, { location: searchParams.get("to") ?? "" }).end();
    else serve(response, pathname);
  });
  foreignBase = `http://127.0.0.1:${portOf(foreign)}`;
  const homeBase = `http://127.0.0.1:${portOf(home)}`;
  return {
    url: (path) => `${homeBase}${path}`,
    foreignUrl: (path) => `${foreignBase}${path}`,
    hits: (path) => hits.get(path) ?? 0,
    portal: (on) => {
      portal = on;
    },
    release: () => {
      for (const response of held.splice(0)) serve(response, "/held");
    },
    goDown: () => closed(home),
    close: async () => {
      for (const server of [home, foreign]) if (server.listening) await closed(server);
    },
  };
}

/** Ways in which a page navigates by itself. */
const LEADS: Readonly<Record<string, (to: string) => string>> = {
  meta: (to) => `<meta http-equiv="refresh" content="0;url=${to}">`,
  script: (to) => `<script>location.replace(${JSON.stringify(to)})</script>`,
  later: (to) => `<script>setTimeout(() => { location.href = ${JSON.stringify(to)}; }, 400)</script>`,
  form: (to) => `<form method="post" action="${to}"></form><script>document.forms[0].submit()</script>`,
};

/** Sends the start of a document and ends the connection. */
function cutOff(response: ServerResponse, withLength: boolean): void {
  response.writeHead(200, { "content-type": "text/html", ...(withLength ? { "content-length": "100000" } : {}) });
  response.write(`<!doctype html><body ${STYLE}>${CALLS}${" ".repeat(2_000)}`, () => setTimeout(() => response.destroy(), 200));
}

function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
