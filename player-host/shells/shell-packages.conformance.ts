import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadTarget, Shell, ShellEvent } from "../stage/shell.ts";
import { ASK_SENSOR, openForbidden, openSensor, type Forbidden, type Sensor } from "./testing/watched-hosts.ts";

/** What the shell suite provides to its parts in other files. */
export interface ShellBench {
  shell(): Shell;
  /** A folder of the suite. */
  folder(): string;
  /** Loads and waits for the end. Returns the index of the load's first event. */
  show(target: LoadTarget): Promise<number>;
  events(): readonly ShellEvent[];
  /** The data of the page's first `vitrine.emit(name, data)` from that event on. */
  told(from: number, name: string): Promise<Record<string, unknown>>;
}

type Package = Extract<LoadTarget, { kind: "package" }>;

/** Rules for content packages on every shell: what they can reach and what they leave behind. */
export function packagesConformance(bench: ShellBench): void {
  async function makePackage(id: string, files: Readonly<Record<string, string>>, allowedOrigins: readonly string[] = []): Promise<Package> {
    const folder = join(bench.folder(), `limits-${id}`);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return { kind: "package", id, folder, entry: "index.html", allowedOrigins, ignoreCache: false };
  }

  describe("what a package reaches", () => {
    let sensor: Sensor;
    let home: Sensor;
    let forbidden: Forbidden;
    beforeAll(async () => {
      [sensor, home, forbidden] = await Promise.all([openSensor(), openSensor(), openForbidden()]);
    });
    afterAll(async () => {
      await Promise.all([sensor.close(), home.close(), forbidden.close()]);
    });

    const ALL = { fetch: "21.5", picture: "ok", events: "ok", socket: "ok", frame: "ok" };
    const askingPackage = (id: string, origins: readonly string[]): Promise<Package> =>
      makePackage(id, { "index.html": `<!doctype html><body><script>onload = async () => vitrine.emit("asked", await (${ASK_SENSOR})(${JSON.stringify(sensor.host)}))</script>` }, origins);

    test("a host of the local network that its manifest names, in every way", async () => {
      const from = await bench.show(await askingPackage("a101", [`http://${sensor.host}`, `ws://${sensor.host}`]));
      expect(await bench.told(from, "asked")).toEqual(ALL);
    });

    test("no host that its manifest does not name", async () => {
      const from = await bench.show(await askingPackage("a102", [`http://${forbidden.host}`]));
      expect(await bench.told(from, "asked")).toMatchObject({ fetch: "refused", picture: "refused", events: "refused", socket: "refused" });
      const none = await bench.show(await askingPackage("a103", []));
      expect(await bench.told(none, "asked")).toMatchObject({ fetch: "refused", picture: "refused", events: "refused", socket: "refused" });
    });

    test("the local network only if the configuration says so, for content from the internet", async () => {
      const url = `http://${home.host}/public`;
      for (const [localNetwork, answers] of [[false, { fetch: "refused", picture: "refused", socket: "refused" }], [true, ALL], [false, { fetch: "refused", socket: "refused" }]] as const) {
        const from = await bench.show({ kind: "url", url, ignoreCache: true, localNetwork });
        await bench.told(from, "ready");
        bench.shell().sendToPage(JSON.stringify({ t: "message", message: sensor.host }));
        expect(await bench.told(from, "asked"), `granted: ${localNetwork}`).toMatchObject(answers);
      }
    }, 60_000);

    test("nothing that it was not granted, whatever way it tries", async () => {
      const before = forbidden.reached().length;
      const from = await bench.show(
        await makePackage("a104", {
          "index.html": waysOut(sensor, forbidden),
          "page.html": "<!doctype html><body>",
          "worker.js": fetchOf(forbidden.host, "worker"),
          "drawing.svg": `<svg xmlns="http://www.w3.org/2000/svg"><image href="http://${forbidden.host}/drawing"/></svg>`,
        }, [`http://${sensor.host}`]),
      );
      await bench.told(from, "trying");
      // A service worker's documents would have no policy, so pages see a browser without service workers.
      expect(await bench.told(from, "tried")).toEqual({ granted: "21.5", frames: 4, serviceWorker: "absent", webRtc: "absent" });
      expect(forbidden.reached().slice(before)).toEqual([]);
    }, 60_000);

    test("no cookie domain that it shares with another package", async () => {
      const html = `<!doctype html><body><script>
        const parts = location.hostname.split(".");
        const shared = parts.slice(1).map((_, at) => parts.slice(at + 1).join("."));
        for (const domain of shared) document.cookie = "shared=1; domain=" + domain;
        const before = document.cookie; document.cookie = "own=1"; vitrine.emit("cookies", { before });
      </script>`;
      for (const id of ["a105", "a106"]) {
        const from = await bench.show(await makePackage(id, { "index.html": html }));
        expect(await bench.told(from, "cookies")).toEqual({ before: "" });
      }
    });
  });

  test("files that a package names in the wrong letter case are reported with their addresses", async () => {
    const from = bench.events().length;
    await bench.show(await makePackage("c301", {
      "index.html": `<!doctype html><link rel="stylesheet" href="Style.css"><body><img src="logo.PNG"><script src="app.js"></script><script src="there.js"></script>`,
      "style.css": "body { background: green }", "logo.png": "x", "App.js": "", "there.js": "",
    }));
    const missing = (): string[] => bench.events().slice(from).flatMap((event) => (event.kind === "file-missing" ? [new URL(event.url).pathname] : []));
    await expect.poll(() => [...new Set(missing())].sort(), { timeout: 8_000 }).toEqual(["/Style.css", "/app.js", "/logo.PNG"]);
  });

  test("one package's storage can be cleared, cookies included, without another's", async () => {
    const html = `<!doctype html><body><script type="module">
      const opened = await new Promise((done) => { const asked = indexedDB.open("kept", 1); asked.onupgradeneeded = () => asked.result.createObjectStore("kept"); asked.onsuccess = () => done(asked.result); });
      const row = await new Promise((done) => { const got = opened.transaction("kept").objectStore("kept").get("x"); got.onsuccess = () => done(got.result ?? null); });
      const before = { local: localStorage.x ?? null, row, cached: await caches.has("kept"), cookie: document.cookie };
      localStorage.x = "kept"; document.cookie = "x=kept; max-age=9999"; await caches.open("kept");
      await new Promise((done) => { const writing = opened.transaction("kept", "readwrite"); writing.objectStore("kept").put("kept", "x"); writing.oncomplete = done; });
      opened.close();
      vitrine.emit("kept", before);
    </script>`;
    const [old, other] = [await makePackage("b201", { "index.html": html }), await makePackage("b202", { "index.html": html })];
    const none = { local: null, row: null, cached: false, cookie: "" };
    const all = { local: "kept", row: "kept", cached: true, cookie: "x=kept" };
    for (const [target, before] of [[old, none], [old, all], [other, none]] as const) expect(await bench.told(await bench.show(target), "kept")).toEqual(before);
    expect(await bench.shell().clearPackageStorage?.("b201")).toMatchObject({ ok: true });
    for (const [target, before] of [[other, all], [old, none]] as const) expect(await bench.told(await bench.show(target), "kept")).toEqual(before);
  }, 60_000);
}

/** A page that tries to reach a host without a grant in every way that the web platform has. */
function waysOut(sensor: Sensor, { host, udpPort }: Forbidden): string {
  const peer = `const peer = new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.1:${udpPort}" }, { urls: "turn:${host}?transport=tcp", username: "a", credential: "b" }] }); peer.createDataChannel("x"); peer.setLocalDescription();`;
  const document = (mark: string): string => `<img src="http://${host}/${mark}"><script>${fetchOf(host, mark)}${peer}</script>`;
  const documents = JSON.stringify({ srcdoc: document("srcdoc"), sandboxed: document("sandboxed"), data: document("data"), blob: document("blob") }).replaceAll("</", "<\\/");
  return `<!doctype html><body><script type="module">
    const at = "http://${host}";
    const { srcdoc, sandboxed, data, blob } = ${documents};
    const add = (name, fields) => document.body.appendChild(Object.assign(document.createElement(name), fields));
    const attempt = (work) => { try { work()?.catch?.(() => undefined); } catch { /* absent or refused, which is what is asked for */ } };
    const link = (rel, href) => attempt(() => add("link", { rel, href }));
    const frameOf = (fields) => new Promise((done) => add("iframe", { ...fields, onload: (event) => done(event.target) }));
    const blobOf = (text, type) => URL.createObjectURL(new Blob([text], { type }));
    const granted = await (await fetch("http://${sensor.host}/value")).text();

    attempt(() => fetch(at + "/fetch", { mode: "no-cors" }));
    attempt(() => navigator.sendBeacon(at + "/beacon", "x"));
    attempt(() => new WebSocket("ws://${host}/socket"));
    attempt(() => new EventSource(at + "/events"));
    attempt(() => new WebTransport("https://${host}/transport"));
    attempt(() => { ${peer} });
    for (const name of ["img", "video", "audio", "script", "embed", "iframe"]) attempt(() => add(name, { src: at + "/" + name }));
    attempt(() => add("object", { data: at + "/object" }));
    for (const rel of ["stylesheet", "icon", "manifest", "preconnect", "dns-prefetch", "prefetch", "preload", "modulepreload", "prerender"]) link(rel, at + "/" + rel);
    attempt(() => add("script", { type: "speculationrules", textContent: JSON.stringify({ prefetch: [{ urls: [at + "/speculation"], eagerness: "immediate" }] }) }));
    attempt(() => add("style", { textContent: "@import '" + at + "/import'; @font-face { font-family: x; src: url(" + at + "/font) } body { font-family: x; background: url(" + at + "/background) }" }));
    attempt(() => { const form = add("form", { action: at + "/form", target: "elsewhere" }); add("iframe", { name: "elsewhere" }); form.submit(); });
    attempt(() => add("a", { href: "#here", ping: at + "/ping" }).click());
    attempt(() => window.open(at + "/window"));
    attempt(() => window.open("about:blank")?.fetch(at + "/opened", { mode: "no-cors" }));
    attempt(() => import(at + "/import.js"));

    attempt(() => new Worker("worker.js"));
    attempt(() => new SharedWorker("worker.js"));
    attempt(() => new Worker(blobOf(${JSON.stringify(fetchOf(host, "blob-worker"))}, "text/javascript")));
    attempt(() => new Worker("data:text/javascript," + encodeURIComponent(${JSON.stringify(fetchOf(host, "data-worker"))})));
    const serviceWorker = "serviceWorker" in navigator ? "there" : "absent";
    const webRtc = "RTCPeerConnection" in window || "webkitRTCPeerConnection" in window ? "there" : "absent";

    // Documents that the package creates itself, and documents of its own origin that are not its pages.
    await frameOf({ srcdoc });
    await frameOf({ srcdoc: sandboxed, sandbox: "allow-scripts" });
    await frameOf({ src: "data:text/html," + encodeURIComponent(data) });
    await frameOf({ src: blobOf(blob, "text/html") });
    await frameOf({ src: "drawing.svg" });
    let frames = 0;
    for (const src of ["page.html", "/missing", "/%zz", "about:blank"]) {
      const { contentWindow } = await frameOf({ src });
      attempt(() => { contentWindow.fetch(at + "/frame-" + frames, { mode: "no-cors" }).catch(() => undefined); frames += 1; });
      attempt(() => { const { RTCPeerConnection } = contentWindow; ${peer} });
    }
    vitrine.emit("trying");
    setTimeout(() => vitrine.emit("tried", { granted, frames, serviceWorker, webRtc }), 2500);
  </script>`;
}

function fetchOf(host: string, mark: string): string {
  return `fetch("http://${host}/${mark}", { mode: "no-cors" }).catch(() => undefined);`;
}
