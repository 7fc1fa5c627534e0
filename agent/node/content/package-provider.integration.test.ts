import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { Content } from "../../protocol/desired.ts";
import { PackageProvider } from "./package-provider.ts";
import { unpack } from "./unpack.ts";

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const page = strToU8("<h1>menu</h1>");

/** A zip with a manifest that fits its files, unless told otherwise. */
function packageOf(files: Record<string, Uint8Array>, manifest: Record<string, unknown> = {}): Uint8Array {
  const hashes = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, sha256(data)]));
  const text = JSON.stringify({ manifest: 1, name: "menu", version: "1.0.0", entry: "index.html", files: hashes, ...manifest });
  return zipSync({ "vitrine.json": strToU8(text), ...files });
}

let folder = "";
let server: Server;
let served: Uint8Array = new Uint8Array();
let requests: (string | undefined)[] = [];
/** Bytes after which the server drops the connection; undefined: never. */
let dropAfter: number | undefined;
let base = "";
let keepFreeBytes = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-content-"));
  requests = [];
  dropAfter = undefined;
  keepFreeBytes = 0;
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": served.length - from });
    if (dropAfter === undefined) return void response.end(served.subarray(from));
    response.write(served.subarray(from, dropAfter));
    // Dropped only once some of it is on disk; fetch throws away what it has not yet handed over.
    void vi.waitUntil(() => partBytes() > 0, { timeout: 10_000 }).then(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const partBytes = (): number => readdirSync(join(folder, "downloads")).reduce((sum, name) => sum + statSync(join(folder, "downloads", name)).size, 0);
const wanted = (zip: Uint8Array): Content => {
  served = zip;
  return { kind: "package", url: `${base}/menu.zip`, sha256: sha256(zip), bytes: zip.length };
};
const prepare = (content: Content) => new PackageProvider({ root: folder, keepFreeBytes, http: {}, clock: systemClock, log: silentLog }).prepare(content, new AbortController().signal);

test("a package is fetched, checked and unpacked once; then it needs no network", async () => {
  const content = wanted(packageOf({ "index.html": page, "img/a.svg": strToU8("<svg/>") }, { capabilities: ["gpio"] }));
  const first = await prepare(content);
  expect(first).toMatchObject({ ok: true, value: { kind: "package", entry: "index.html", grants: ["gpio"] } });
  const unpacked = first.ok && first.value.kind === "package" ? first.value.folder : "";
  expect(readFileSync(join(unpacked, "img/a.svg"), "utf8")).toBe("<svg/>");
  server.closeAllConnections();
  server.close();
  expect(await prepare(content)).toEqual(first);
  expect(requests.length).toBe(1);
});

test("a package whose manifest was damaged on disk is fetched again, and stays until it has come", async () => {
  const content = wanted(packageOf({ "index.html": page }));
  const first = await prepare(content);
  const at = first.ok && first.value.kind === "package" ? first.value.folder : "";
  writeFileSync(join(at, "vitrine.json"), "{");
  dropAfter = 10;
  expect((await prepare(content)).ok).toBe(false);
  expect(readFileSync(join(at, "index.html"), "utf8")).toBe("<h1>menu</h1>");
  dropAfter = undefined;
  expect(await prepare(content)).toMatchObject({ ok: true, value: { folder: at } });
});

test("a manifest that rotted into another one that can be read is fetched again; a hash that is gone or cannot be read is not", async () => {
  const content = wanted(packageOf({ "index.html": page }, { capabilities: ["gpio"], allowedOrigins: ["https://a.example"] }));
  const first = await prepare(content);
  const at = first.ok && first.value.kind === "package" ? first.value.folder : "";
  const whole = readFileSync(join(at, "vitrine.json"), "utf8");
  for (const [from, to] of [['["gpio"]', "[]"], ["a.example", "b.example"]] as const) {
    const fetched = requests.length;
    const damaged = whole.replace(from, to);
    expect(damaged).not.toBe(whole);
    writeFileSync(join(at, "vitrine.json"), damaged);
    expect(await prepare(content)).toMatchObject({ ok: true, value: { grants: ["gpio"], allowedOrigins: ["https://a.example"] } });
    expect([requests.length, readFileSync(join(at, "vitrine.json"), "utf8")]).toEqual([fetched + 1, whole]);
  }
  const fetched = requests.length;
  for (const damage of [() => rmSync(`${at}.manifest`), () => writeFileSync(`${at}.manifest`, "no hash")]) {
    damage();
    expect(await prepare(content)).toMatchObject({ ok: true, value: { grants: ["gpio"] } });
  }
  expect(requests.length).toBe(fetched);
});

test("a package with a file that rotted is fetched again, and is another one to the host; a file in the place of the folder is removed", async () => {
  const content = wanted(packageOf({ "index.html": page, "app.js": strToU8("draw()") }));
  const first = await prepare(content);
  const at = first.ok && first.value.kind === "package" ? first.value.folder : "";
  for (const damage of [() => writeFileSync(join(at, "app.js"), "drax()"), () => rmSync(join(at, "app.js"))]) {
    utimesSync(join(at, "vitrine.json"), 1, 1);
    const before = await prepare(content);
    expect(before).toMatchObject({ ok: true, value: { id: sha256(served), unpackedMs: 1_000 } });
    const fetched = requests.length;
    damage();
    const after = await prepare(content);
    expect(after).toMatchObject({ ok: true, value: { id: sha256(served) } });
    expect(after).not.toEqual(before);
    expect(requests.length).toBe(fetched + 1);
    expect(readFileSync(join(at, "app.js"), "utf8")).toBe("draw()");
  }
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "not a folder");
  expect(await prepare(content)).toMatchObject({ ok: true, value: { id: sha256(served) } });
});

test("the package before stays, by when it was last wanted; what others left half done goes", async () => {
  const [a, b, c] = ["a", "b", "c"].map((version) => packageOf({ "index.html": page }, { version })) as [Uint8Array, Uint8Array, Uint8Array];
  for (const zip of [a, b]) expect((await prepare(wanted(zip))).ok).toBe(true);
  utimesSync(join(folder, sha256(b)), 1, 1);
  utimesSync(join(folder, sha256(a)), 0, 0);
  expect((await prepare(wanted(a))).ok).toBe(true);
  const bad = strToU8("not a zip at all");
  expect((await prepare(wanted(bad))).ok).toBe(false);
  expect((await prepare(wanted(c))).ok).toBe(true);
  expect(readdirSync(folder).sort()).toEqual([a, c].flatMap((zip) => [sha256(zip), `${sha256(zip)}.manifest`]).concat("downloads").sort());
  expect(readdirSync(join(folder, "downloads"))).toEqual([]);
});

test("a broken download goes on where it stopped", async () => {
  // Stored bytes must not shrink, or the whole package would fit before the connection is dropped.
  const noise = new Uint8Array(randomBytes(300_000));
  const content = wanted(packageOf({ "index.html": page, "video.bin": noise }));
  dropAfter = 20_000;
  expect(await prepare(content)).toMatchObject({ ok: false, error: { code: "content.unreachable" } });
  dropAfter = undefined;
  expect((await prepare(content)).ok).toBe(true);
  expect(requests[1]).toMatch(/^bytes=[1-9]\d*-$/);
});

describe("refused, and nothing is left that could be taken for a package:", () => {
  const cases: readonly (readonly [string, () => Uint8Array, string])[] = [
    ["a file the manifest does not name", () => zipSync({ "vitrine.json": strToU8(JSON.stringify({ manifest: 1, name: "m", version: "1", entry: "index.html", files: { "index.html": sha256(page) } })), "index.html": page, "extra.js": page }), "content.bad-package"],
    ["a file that is missing", () => packageOf({ "index.html": page }, { files: { "index.html": sha256(page), "gone.js": sha256(page) } }), "content.bad-package"],
    ["a file with another hash", () => packageOf({ "index.html": page }, { files: { "index.html": sha256(strToU8("other")) } }), "content.hash-mismatch"],
    ["a path out of the folder", () => packageOf({ "index.html": page, "../../evil.sh": page }), "content.bad-package"],
    ["no manifest", () => zipSync({ "index.html": page }), "content.bad-manifest"],
    ["an entry page that is not there", () => packageOf({ "start.html": page }), "content.bad-manifest"],
    ["a capability nobody knows", () => packageOf({ "index.html": page }, { capabilities: ["root"] }), "content.bad-manifest"],
    ["something that is not a zip", () => strToU8("not a zip at all"), "content.bad-package"],
  ];
  test.each(cases)("%s", async (_name, zip, code) => {
    const content = wanted(zip());
    expect(await prepare(content)).toMatchObject({ ok: false, error: { code } });
    expect(await prepare(content)).toMatchObject({ ok: false });
  });
});

test("bytes that are not the wanted ones are thrown away", async () => {
  const content = wanted(packageOf({ "index.html": page }));
  served = served.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
  expect(await prepare(content)).toMatchObject({ ok: false, error: { code: "content.hash-mismatch" } });
});

test("a disk that cannot be written says so", async () => {
  writeFileSync(join(folder, "downloads"), "a file where the folder should be");
  expect(await prepare(wanted(packageOf({ "index.html": page })))).toMatchObject({ ok: false, error: { code: "content.disk" } });
});

test("a package that would leave too little room is not even fetched", async () => {
  keepFreeBytes = Number.MAX_SAFE_INTEGER;
  expect(await prepare(wanted(packageOf({ "index.html": page })))).toMatchObject({ ok: false, error: { code: "content.disk" } });
  expect(requests).toEqual([]);
});

test("a small zip that unpacks to more than there is room for is refused before it takes it", async () => {
  const zipPath = join(folder, "zeros.zip");
  writeFileSync(zipPath, packageOf({ "index.html": page, "zeros.bin": new Uint8Array(2_000_000) }));
  expect(statSync(zipPath).size).toBeLessThan(50_000);
  const into = join(folder, "into");
  expect(await unpack(zipPath, into, new AbortController().signal, 1_000_000)).toMatchObject({ ok: false, error: { code: "content.disk" } });
  expect(readdirSync(into)).not.toContain("zeros.bin");
});
