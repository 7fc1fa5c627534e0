import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback with the pages of the shell suite. */
export interface Site {
  url(path: string): string;
  /** The same pages from another origin. */
  foreignUrl(path: string): string;
  hits(path: string): number;
  /** While on, every answer is 503. */
  breakDown(on: boolean): void;
  close(): Promise<void>;
}

const BLUE = "background:rgb(48,96,192);margin:0";
const STILL_HERE = `setTimeout(() => vitrine.emit("still-here", { here: true }), 700)`;

/** Emits `ready` once the page has the keyboard focus. */
const READY = `onload = () => { const timer = setInterval(() => { if (document.hasFocus()) { clearInterval(timer); vitrine.emit("ready"); } }, 50); }`;

const PAGES: Readonly<Record<string, string>> = {
  "/blue": `<body style="${BLUE}">`,
  "/counted": `<body style="${BLUE}"><p id="part">`,
  "/reloads-itself": `<body style="${BLUE}"><script>setTimeout(() => location.reload(), 400)</script>`,
  "/api": `<body style="${BLUE}"><script>
    const bindings = Object.getOwnPropertyNames(globalThis).filter((name) => /^vitrine./.test(name));
    let frozen = Object.isFrozen(vitrine); try { globalThis.vitrine = 1; } catch (refused) { frozen &&= refused instanceof TypeError; } frozen &&= typeof vitrine === "object";
    vitrine.emit("hello", { version: vitrine.version, frozen, binding: bindings.length > 0 });
    vitrine.onConfig((config) => vitrine.emit("config", config));
    vitrine.onMessage((message) => vitrine.emit("message", { got: message }));
  </script>`,
  "/frames": `<body><iframe srcdoc="<p>hi"></iframe><script>onload = () => {
    const inner = frames[0]; vitrine.emit("frames", { api: "vitrine" in inner, bindings: Object.getOwnPropertyNames(inner).filter((name) => /^vitrine/.test(name)) });
  }</script>`,
  "/flood": `<body><script>(async () => {
    const fromMs = performance.now(); let refused; for (let i = 0; i < 20000; i++) vitrine.emit("x", { i }).catch((error) => { refused = error.code; });
    await new Promise((done) => setTimeout(done, 1500)); vitrine.emit("flooded", { refused, seconds: (performance.now() - fromMs) / 1000 });
  })()</script>`,
  "/opens-window": `<body><script>window.open("/blue"); ${STILL_HERE}</script>`,
  "/leaves": `<body><script>setTimeout(() => { location.href = new URLSearchParams(location.search).get("to"); }, 300); ${STILL_HERE}</script>`,
  "/permission": `<body><script>(async () => {
    const notifications = await Notification.requestPermission();
    const camera = (await navigator.permissions.query({ name: "camera" })).state;
    const location = await new Promise((done) => navigator.geolocation.getCurrentPosition(() => done("granted"), (error) => done(error.code)));
    vitrine.emit("permission", { notifications, camera, location });
  })()</script>`,
  "/dialogs": `<body><script>onload = () => { alert("hello"); vitrine.emit("dialogs", { confirm: confirm("sure?"), prompt: prompt("name?") }); }</script>`,
  "/dialogs-in-frame": `<script>alert("hello"); confirm("sure?"); prompt("name?"); parent.postMessage("done", "*");</script>`,
  "/pdf-in-frame": `<body style="${BLUE}"><iframe src="/pdf" style="border:0"></iframe><embed type="application/pdf" src="/pdf"><object data="/pdf"></object>`,
  "/downloads": `<body><script>const a = document.createElement("a"); a.href = URL.createObjectURL(new Blob(["x"])); a.download = "x.bin"; document.body.append(a); onload = () => a.click();</script>`,
  "/moves": `<body style="${BLUE}"><canvas id="c"></canvas><script>const g = c.getContext("2d"); let n = 0; (function draw() { g.fillStyle = "hsl(" + n++ + " 80% 50%)"; g.fillRect(0, 0, 300, 150); requestAnimationFrame(draw); })()</script>`,
  "/loops": `<body style="${BLUE}"><script>onload = () => { vitrine.emit("about-to-loop"); setTimeout(() => { while (true); }, 0); }</script>`,
  "/reloads-often": `<body style="${BLUE}">Soup of the day<script>setTimeout(() => location.reload(), 300)</script>`,
  // Without text or pictures, a windowed browser holds back each document's first frame for longer than the document lives.
  "/reloads-often-empty": `<body style="${BLUE}"><script>setTimeout(() => location.reload(), 300)</script>`,
  "/talks": `<body style="${BLUE}"><script>onload = async () => {
    vitrine.emit("talking"); const text = "x".repeat(1 << 20); document.title = text; history.replaceState(null, "", "#" + text.slice(0, 100000));
    for (let i = 0; i < 4; i++) { console.error(text, i); setTimeout(() => { throw text; }); await new Promise((done) => setTimeout(done, 50)); }
    vitrine.emit("said-it");
  }</script>`,
  "/hangs-when-told": `<body style="${BLUE}"><p>hello<script>vitrine.onMessage(() => { while (true); });</script>`,
  "/stores": `<body><script>const before = localStorage.getItem("x"); localStorage.setItem("x", "kept"); vitrine.emit("stored", { before });</script>`,
  // Reports each key and whether the browser's default action was prevented.
  "/keys": `<body style="${BLUE}"><script>addEventListener("keydown", (event) => vitrine.emit("key", { key: event.key, prevented: event.defaultPrevented }));
    ${READY}</script>`,
  "/keys-in-frame": `<body style="${BLUE}"><iframe style="border:0;width:100vw;height:100vh;display:block"></iframe><script>
    onmessage = ({ data }) => vitrine.emit(data.name, data); const frame = document.querySelector("iframe");
    frame.src = new URLSearchParams(location.search).get("to"); frame.onload = () => { frame.focus(); frame.contentWindow.postMessage("go", "*"); }</script>`,
  "/frame-of-keys": `<body style="${BLUE}"><script>const say = (name, data) => parent.postMessage({ name, ...data }, "*");
    addEventListener("keydown", (event) => say("key", { key: event.key, prevented: event.defaultPrevented }));
    onmessage = () => { document.body.tabIndex = 0; document.body.focus(); say("ready"); }</script>`,
  // Runs `do` with the user activation that a key press gives.
  "/on-key": `<body style="${BLUE}"><script>addEventListener("keydown", async () => {
    let error = null; try { await (0, eval)(new URLSearchParams(location.search).get("do")); } catch (thrown) { error = String(thrown); } vitrine.emit("done", { error });
  }, { once: true }); ${READY}</script>`,
  // Each of these would show a password dialog.
  "/asks-for-passwords": `<body style="${BLUE}"><script>onload = async () => {
    const from = (path) => "/password/" + path;
    const outcome = (made) => new Promise((done) => { for (const name of ["load", "error", "message"]) made.addEventListener(name, () => done(name), { once: true }); });
    const put = (tag, more) => { const made = Object.assign(document.createElement(tag), more); const ended = outcome(made); document.body.append(made); return ended; };
    const picture = (path) => { const made = new Image(); made.src = from(path); return outcome(made); };
    await Promise.all([picture("basic"), picture("digest"), picture("ntlm"), picture("negotiate"), fetch(from("fetch")), put("script", { src: from("script") }), put("link", { rel: "stylesheet", href: from("style") }),
      put("video", { src: from("video"), hidden: true }), new FontFace("x", "url(" + from("font") + ")").load().catch(() => 0), put("iframe", { src: from("frame"), hidden: true }), outcome(new EventSource(from("events"))),
      outcome(new Worker(URL.createObjectURL(new Blob(["fetch('" + location.origin + from("worker") + "').then(({ status }) => postMessage(status))"]))))]);
    vitrine.emit("asked");
  }</script>`,
  // The page and its picture need a user and a password.
  "/protected": `<body style="${BLUE}"><script>const picture = new Image(); picture.onload = picture.onerror = ({ type }) => vitrine.emit("picture", { type }); picture.src = "/protected/picture";</script>`,
  "/webgl": `<body style="${BLUE}"><script>vitrine.emit("webgl", { there: document.createElement("canvas").getContext("webgl") !== null })</script>`,
  "/strict-csp": `<head><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"></head><body style="${BLUE}">`,
};

const CHALLENGES: Readonly<Record<string, string>> = { digest: 'Digest realm="x", nonce="n", qop="auth", algorithm=MD5', ntlm: "NTLM", negotiate: "Negotiate" };

export async function openSite(): Promise<Site> {
  const hits = new Map<string, number>();
  let broken = false;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://x");
    hits.set(url.pathname, (hits.get(url.pathname) ?? 0) + 1);
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("cache-control", "no-store");
    const to = url.searchParams.get("to");
    const challenge = CHALLENGES[url.pathname.replace("/password/", "")] ?? 'Basic realm="x"';
    const allowed = request.headers.authorization === `Basic ${Buffer.from("user:secret").toString("base64")}`;
    if (broken) response.writeHead(503).end("away");
    else if (url.pathname.startsWith("/password/") || (url.pathname.startsWith("/protected") && !allowed)) response.writeHead(401, { "www-authenticate": challenge }).end("no");
    else if (url.pathname === "/protected/picture") response.setHeader("content-type", "image/svg+xml").end('<svg xmlns="http://www.w3.org/2000/svg"/>');
    else if (url.pathname === "/pdf") response.setHeader("content-type", "application/pdf").end("%PDF-1.4");
    else if (url.pathname === "/boom") response.writeHead(500).end("boom");
    else if (url.pathname === "/cors") response.writeHead(200, { "access-control-allow-origin": "*" }).end("open");
    else if (url.pathname === "/redirect" && to !== null) response.writeHead(302, { location: to }).end();
    else if (PAGES[url.pathname] === undefined) response.writeHead(404).end("none");
    else response.end(`<!doctype html>${PAGES[url.pathname]}`);
  };
  const [home, foreign] = await Promise.all([listen(answer), listen(answer)]);
  return {
    url: (path) => `http://127.0.0.1:${portOf(home)}${path}`,
    foreignUrl: (path) => `http://127.0.0.1:${portOf(foreign)}${path}`,
    hits: (path) => hits.get(new URL(path, "http://x").pathname) ?? 0,
    breakDown: (on) => {
      broken = on;
    },
    close: async () => {
      for (const server of [home, foreign]) await closed(server);
    },
  };
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

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await listen(() => undefined);
  const port = portOf(server);
  await closed(server);
  return port;
}
