import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DiskUpdateFiles } from "./disk-update-files.ts";

const DATA = Buffer.alloc(300_000, "release");
const SHA256 = createHash("sha256").update(DATA).digest("hex");

let server: Server;
let root: string;
let ranges: (string | undefined)[];
/** Bytes after which the server breaks the next answer off. */
let breakAfter: number | undefined;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "vitrine-updates-"));
  ranges = [];
  breakAfter = undefined;
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": DATA.length - from, ...(from > 0 && { "content-range": `bytes ${from}-${DATA.length - 1}/${DATA.length}` }) });
    if (breakAfter === undefined) return response.end(DATA.subarray(from));
    const breakAt = breakAfter;
    breakAfter = undefined;
    response.write(DATA.subarray(from, from + breakAt));
    // What the other end has not read when a connection breaks is lost with it.
    const hasAll = setInterval(() => {
      const part = join(root, "updates", `${SHA256}.part`);
      if (!existsSync(part) || statSync(part).size < breakAt) return;
      clearInterval(hasAll);
      response.destroy();
    }, 5);
    return response;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

function files(keepFreeBytes = 0): DiskUpdateFiles {
  return new DiskUpdateFiles({ folder: join(root, "updates"), keepFreeBytes, http: {} });
}

function wanted(sha256 = SHA256) {
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v.deb`, bytes: DATA.length, sha256 };
}

test("a download that breaks off is continued by another process where it stopped, and a finished one is not fetched again", async () => {
  breakAfter = 100_000;
  const seen: number[] = [];
  const never = new AbortController().signal;
  expect(await files().fetch(wanted(), (bytes) => seen.push(bytes), never)).toMatchObject({ ok: false, error: { code: "content.unreachable" } });
  const done = await files().fetch(wanted(), (bytes) => seen.push(bytes), never);
  expect(done).toEqual({ ok: true, value: join(root, "updates", SHA256) });
  expect(readFileSync(join(root, "updates", SHA256)).equals(DATA)).toBe(true);
  expect(ranges).toEqual([undefined, "bytes=100000-"]);
  expect([seen.at(-1), seen.toSorted((a, b) => a - b)]).toEqual([DATA.length, seen]);
  expect(await files().fetch(wanted(), () => {}, never)).toEqual(done);
  expect(ranges.length).toBe(2);
});

test("a finished file that was damaged since is fetched again, and another hash is refused", async () => {
  const never = new AbortController().signal;
  await files().fetch(wanted(), () => {}, never);
  writeFileSync(join(root, "updates", SHA256), "damaged");
  expect(await files().fetch(wanted(), () => {}, never)).toMatchObject({ ok: true });
  expect(await files().fetch(wanted("0".repeat(64)), () => {}, never)).toMatchObject({ ok: false, error: { code: "content.hash-mismatch" } });
});

test("what an update that was canceled left is removed, finished or not; the other file of the same release stays", async () => {
  const never = new AbortController().signal;
  const [browser, canceled] = ["b".repeat(64), "c".repeat(64)];
  await files().keepPicture({ bytes: Buffer.from("jpeg"), contentType: "image/jpeg" });
  for (const name of [browser, canceled, `${canceled}.part`]) writeFileSync(join(root, "updates", name), "bytes");
  expect(await files().fetch(wanted(), () => {}, never, [browser])).toMatchObject({ ok: true });
  expect(readdirSync(join(root, "updates")).toSorted()).toEqual([SHA256, browser, "last-picture.jpg"].toSorted());
});

test("without the space that has to stay free nothing is fetched", async () => {
  expect(await files(Number.MAX_SAFE_INTEGER).fetch(wanted(), () => {}, new AbortController().signal)).toMatchObject({ ok: false, error: { code: "content.disk" } });
  expect(ranges).toEqual([]);
});

test("the last picture is kept until it is cleared, with the downloads", async () => {
  const made = files();
  expect(await made.picture()).toBeUndefined();
  await made.keepPicture({ bytes: Buffer.from("png"), contentType: "image/png" });
  await made.keepPicture({ bytes: Buffer.from("jpeg"), contentType: "image/jpeg" });
  const picture = await files().picture();
  expect([picture?.contentType, Buffer.from(picture?.bytes ?? []).toString()]).toEqual(["image/jpeg", "jpeg"]);
  await made.clear();
  expect([await made.picture(), existsSync(join(root, "updates"))]).toEqual([undefined, false]);
});
