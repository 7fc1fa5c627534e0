import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { validate } from "../../protocol/codec.ts";
import { ContentSchema, type Content } from "../../protocol/content.ts";
import { PackageProvider } from "./package-provider.ts";
import { diskUse, roomOn, type Room } from "./room.ts";
import { unpack } from "./unpack.ts";

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const page = strToU8("<h1>menu</h1>");

/** A zip with a manifest that matches its files, unless overridden. */
function packageOf(files: Record<string, Uint8Array>, manifest: Record<string, unknown> = {}): Uint8Array {
  const hashes = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, sha256(data)]));
  const text = JSON.stringify({ manifest: 1, name: "menu", version: "1.0.0", entry: "index.html", files: hashes, ...manifest });
  return zipSync({ "vitrine.json": strToU8(text), ...files });
}

let folder = "";
let server: Server;
let served: Uint8Array = new Uint8Array();
let requests: (string | undefined)[] = [];
/** Number of bytes after which the server drops the connection; `undefined`: never. */
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
    // Drop the connection only once some bytes are on disk; fetch discards what it has not delivered yet.
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
/** Folder of a prepared package. Throws for anything else, so that a test never damages files in its working folder. */
function folderOf(prepared: Awaited<ReturnType<typeof prepare>>): string {
  if (!prepared.ok || prepared.value.kind !== "package") throw new Error(`no package: ${JSON.stringify(prepared)}`);
  return prepared.value.folder;
}
const prepare = (content: Content) => new PackageProvider({ root: folder, keepFreeBytes, http: {}, clock: systemClock, log: silentLog }).prepare(content, new AbortController().signal);

test("a package is downloaded, verified and unpacked once and then needs no network", async () => {
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

test("content by address gets local network access if the configuration names its origin", async () => {
  const provider = new PackageProvider({ root: folder, keepFreeBytes, http: {}, localNetworkOrigins: ["https://menu.example/"], clock: systemClock, log: silentLog });
  const localOf = async (url: string): Promise<unknown> => {
    const prepared = await provider.prepare({ kind: "url", url }, new AbortController().signal);
    return prepared.ok && prepared.value.kind === "url" ? prepared.value.localNetwork : prepared;
  };
  expect(await localOf("https://menu.example/board?x")).toBe(true);
  expect(await localOf("https://menu.example:8443/board")).toBeUndefined();
  expect(await localOf("http://menu.example/board")).toBeUndefined();
});

test.each(["http://menu.example:99999/", "https://[menu.example/", "http://%/"])("a malformed address that passes the schema is an error value, not an exception: %s", async (url) => {
  expect(validate(ContentSchema, { kind: "url", url }, "content").ok).toBe(true);
  const provider = new PackageProvider({ root: folder, keepFreeBytes, http: {}, clock: systemClock, log: silentLog });
  expect(await provider.prepare({ kind: "url", url }, new AbortController().signal)).toMatchObject({ ok: false, error: { code: "content.bad-address" } });
});

test("a package whose manifest was damaged on disk is downloaded again, and stays until then", async () => {
  const content = wanted(packageOf({ "index.html": page }));
  const first = await prepare(content);
  const at = folderOf(first);
  writeFileSync(join(at, "vitrine.json"), "{");
  dropAfter = 10;
  expect((await prepare(content)).ok).toBe(false);
  expect(readFileSync(join(at, "index.html"), "utf8")).toBe("<h1>menu</h1>");
  dropAfter = undefined;
  expect(await prepare(content)).toMatchObject({ ok: true, value: { folder: at } });
});

test("a damaged but readable manifest causes a new download; a missing or unreadable hash does not", async () => {
  const content = wanted(packageOf({ "index.html": page }, { capabilities: ["gpio"], allowedOrigins: ["https://a.example"] }));
  const first = await prepare(content);
  const at = folderOf(first);
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

test("a package with a damaged file is downloaded again and counts as new content; a file in place of the folder is removed", async () => {
  const content = wanted(packageOf({ "index.html": page, "app.js": strToU8("draw()") }));
  const first = await prepare(content);
  const at = folderOf(first);
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

test("the previously used package stays; partial downloads of other packages are removed", async () => {
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

test("an interrupted download is resumed", async () => {
  // Incompressible, or the whole package would arrive before the connection is dropped.
  const noise = new Uint8Array(randomBytes(300_000));
  const content = wanted(packageOf({ "index.html": page, "video.bin": noise }));
  dropAfter = 20_000;
  expect(await prepare(content)).toMatchObject({ ok: false, error: { code: "content.unreachable" } });
  dropAfter = undefined;
  expect((await prepare(content)).ok).toBe(true);
  expect(requests[1]).toMatch(/^bytes=[1-9]\d*-$/);
});

describe("refuses and leaves nothing that could be mistaken for a package:", () => {
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

test("downloaded bytes with the wrong hash are discarded", async () => {
  const content = wanted(packageOf({ "index.html": page }));
  served = served.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
  expect(await prepare(content)).toMatchObject({ ok: false, error: { code: "content.hash-mismatch" } });
});

test("an unwritable disk is reported", async () => {
  writeFileSync(join(folder, "downloads"), "a file where the folder should be");
  expect(await prepare(wanted(packageOf({ "index.html": page })))).toMatchObject({ ok: false, error: { code: "content.disk" } });
});

test("a package that would leave too little free space is not downloaded", async () => {
  keepFreeBytes = Number.MAX_SAFE_INTEGER;
  expect(await prepare(wanted(packageOf({ "index.html": page })))).toMatchObject({ ok: false, error: { code: "content.disk" } });
  expect(requests).toEqual([]);
});

describe("checks the space in disk blocks before writing anything:", () => {
  const room = (freeBytes: number, more: Partial<Room> = {}): Room => ({ freeBytes: () => Promise.resolve(freeBytes), files: Infinity, blockBytes: 4096, ...more });
  const unpackInto = async (zip: Uint8Array, into: string, has: Room) => {
    const zipPath = join(folder, "room.zip");
    writeFileSync(zipPath, zip);
    mkdirSync(join(folder, into));
    return { unpacked: await unpack(zipPath, join(folder, into), new AbortController().signal, has), written: readdirSync(join(folder, into)) };
  };
  const refused = { unpacked: { ok: false, error: { code: "content.disk" } }, written: [] };

  test("a small zip that unpacks to more than the free space", async () => {
    const zip = packageOf({ "index.html": page, "zeros.bin": new Uint8Array(2_000_000) });
    expect(zip.length).toBeLessThan(50_000);
    expect(await unpackInto(zip, "large", room(1_000_000))).toMatchObject(refused);
  });

  test("many small files in folders, whose bytes alone would fit", async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`part-${n % 50}/${n}.txt`, strToU8("x")]));
    const zip = packageOf({ "index.html": page, ...files });
    const use = diskUse(Object.entries({ ...files, "index.html": page, "vitrine.json": new Uint8Array(40_000) }).map(([path, data]) => ({ path, bytes: data.length })), 4096);
    expect(use.bytes).toBeGreaterThan((300 + 50) * 4096);
    expect(await unpackInto(zip, "tight", room(600_000))).toMatchObject(refused);
    expect(await unpackInto(zip, "roomy", room(use.bytes + 4096))).toMatchObject({ unpacked: { ok: true } });
  });

  test("more files than the disk has inodes for", async () => {
    expect(await unpackInto(packageOf({ "index.html": page, "a.txt": page }), "names", room(10_000_000, { files: 3 }))).toMatchObject(refused);
    // Two files, the manifest and the folder.
    expect(await unpackInto(packageOf({ "index.html": page, "a.txt": page }), "names-enough", room(10_000_000, { files: 4 }))).toMatchObject({ unpacked: { ok: true } });
  });

  test("the estimate is close to the real disk usage", async () => {
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`deep/er/${n}/file with a name.txt`, strToU8("x".repeat(n * 40))]));
    const before = await roomOn(folder, 0);
    const free = await before.freeBytes();
    const into = join(folder, "measured");
    mkdirSync(into);
    const zipPath = join(folder, "measured.zip");
    writeFileSync(zipPath, packageOf({ "index.html": page, ...files }));
    expect(await unpack(zipPath, into, new AbortController().signal)).toMatchObject({ ok: true });
    const used = allocated(into);
    const counted = diskUse(walk(into).map((path) => ({ path: path.slice(into.length + 1), bytes: statSync(path).size })), before.blockBytes).bytes;
    expect(free).toBeGreaterThan(0);
    expect(counted).toBeGreaterThanOrEqual(used);
    expect(counted).toBeLessThan(used * 1.5 + 64 * before.blockBytes);
  });
});

describe("packages made with common tools are accepted:", () => {
  const manifestOf = (files: Record<string, Uint8Array>, more: Record<string, unknown> = {}): string =>
    JSON.stringify({ manifest: 1, name: "menu", version: "1", entry: "index.html", files: Object.fromEntries(Object.entries(files).map(([path, data]) => [path, sha256(data)])), ...more });
  const files = { "index.html": page, "img/ü.svg": strToU8("<svg/>") };
  const plain = manifestOf(files);
  const good: readonly (readonly [string, Record<string, Uint8Array>])[] = [
    ["a byte order mark before the manifest", { "vitrine.json": strToU8(`\uFEFF${plain}`), ...files }],
    ["a folder around everything", { "menu/vitrine.json": strToU8(plain), "menu/index.html": page, "menu/img/ü.svg": files["img/ü.svg"] }],
    ["a folder around everything, and what macOS adds", { "menu/vitrine.json": strToU8(plain), "menu/index.html": page, "menu/img/ü.svg": files["img/ü.svg"], "menu/.DS_Store": page, "__MACOSX/menu/._index.html": page, "__MACOSX/menu/._vitrine.json": page }],
    ["entries for folders", { "img/": new Uint8Array(), "vitrine.json": strToU8(plain), ...files }],
    ["the backslashes of Windows, in the zip and in the manifest", { "vitrine.json": strToU8(manifestOf({ "index.html": page, "img\\ü.svg": files["img/ü.svg"] })), "index.html": page, "img\\ü.svg": files["img/ü.svg"] }],
    ["./ before paths", { "vitrine.json": strToU8(manifestOf({ "./index.html": page, "./img/ü.svg": files["img/ü.svg"] }, { entry: "./index.html" })), ...files }],
    ["capital letters in the manifest's name and in hashes", { "Vitrine.JSON": strToU8(plain.replaceAll(/[0-9a-f]{64}/g, (hash) => hash.toUpperCase())), ...files }],
    ["names with decomposed letters, as macOS writes them", { "vitrine.json": strToU8(plain), "index.html": page, ["img/ü.svg".normalize("NFD")]: files["img/ü.svg"] }],
    ["a slash after an origin", { "vitrine.json": strToU8(manifestOf(files, { allowedOrigins: ["HTTPS://Menu.example/"] })), ...files }],
  ];
  test.each(good)("%s", async (_name, entries) => {
    const content = wanted(zipSync(entries));
    const prepared = await prepare(content);
    expect(prepared).toMatchObject({ ok: true, value: { entry: "index.html" } });
    const at = folderOf(prepared);
    expect(readdirSync(at).sort()).toEqual(["img", "index.html", "vitrine.json"]);
    expect(readFileSync(join(at, "img/ü.svg"), "utf8")).toBe("<svg/>");
    // Also from disk alone.
    expect(await prepare(content)).toEqual(prepared);
    expect(requests.length).toBe(1);
  });

  const bad: readonly (readonly [string, Record<string, Uint8Array>, string, string])[] = [
    ["a comma too many", { "vitrine.json": strToU8(plain.replace('"entry":"index.html",', '"entry":"index.html",\n').replace(/}}$/, "},\n}")), ...files }, "content.bad-manifest", "line 2 has a trailing comma"],
    ["UTF-16", { "vitrine.json": new Uint8Array(Buffer.from(`\uFEFF${plain}`, "utf16le")), ...files }, "content.bad-manifest", "not UTF-8"],
    ["text that is not JSON", { "vitrine.json": strToU8("manifest: 1"), ...files }, "content.bad-manifest", "is not JSON"],
    ["an entry with different case", { "vitrine.json": strToU8(manifestOf(files, { entry: "Index.html" })), ...files }, "content.bad-manifest", 'there is "index.html" with different case'],
    ["a file with different case", { "vitrine.json": strToU8(plain), "index.html": page, "Img/ü.svg": files["img/ü.svg"] }, "content.bad-package", 'there is "img/ü.svg" with different case'],
    ["a manifest two folders deep", { "a/b/vitrine.json": strToU8(plain), "a/b/index.html": page, "a/b/img/ü.svg": files["img/ü.svg"] }, "content.bad-manifest", '"a/b/vitrine.json"'],
    ["two manifests", { "a/vitrine.json": strToU8(plain), "b/vitrine.json": strToU8(plain) }, "content.bad-manifest", "no vitrine.json at its root"],
    ["an origin with a path", { "vitrine.json": strToU8(manifestOf(files, { allowedOrigins: ["https://menu.example/board"] })), ...files }, "content.bad-manifest", "no path"],
    ["a file where a folder is", { "vitrine.json": strToU8(manifestOf({ "index.html": page, img: page, "img/a.svg": page })), "index.html": page, img: page, "img/a.svg": page }, "content.bad-package", "is both a file and a folder"],
  ];
  test.each(bad)("%s is reported in a sentence that names no folder of the device", async (_name, entries, code, sentence) => {
    const prepared = await prepare(wanted(zipSync(entries)));
    expect(prepared).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(sentence) as string } });
    expect(JSON.stringify(prepared)).not.toContain(folder);
  });
});

function walk(at: string): string[] {
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(join(at, entry.name)) : [join(at, entry.name)]));
}

/** Bytes of allocated blocks, folders included. */
function allocated(at: string): number {
  return readdirSync(at, { withFileTypes: true }).reduce((sum, entry) => sum + (entry.isDirectory() ? allocated(join(at, entry.name)) : statSync(join(at, entry.name)).blocks * 512), statSync(at).blocks * 512);
}
