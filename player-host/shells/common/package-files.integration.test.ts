import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageCsp } from "../../stage/navigation-rules.ts";
import { answerFromPackage, parseRange, RANGE_BYTES_MAX, WHOLE_BYTES_MAX } from "./package-files.ts";

describe("a package's files", () => {
  let root: string;
  let folder: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "vitrine-package-"));
    folder = join(root, "package");
    await mkdir(join(folder, "sub"), { recursive: true });
    await writeFile(join(root, "secret.txt"), "secret");
    await writeFile(join(folder, "index.html"), "<p>entry");
    await writeFile(join(folder, "sub", "index.html"), "<p>sub");
    await writeFile(join(folder, "ä b.txt"), "0123456789");
    await symlink(join(root, "secret.txt"), join(folder, "link.txt"));
    await symlink(root, join(folder, "up"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const ask = (path: string, more: { method?: string; range?: string; serviceWorker?: boolean } = {}) =>
    answerFromPackage({ folder, entry: "index.html", allowedOrigins: ["https://api.example"] }, { method: "GET", url: `https://vitrine-x.invalid${path}`, ...more });
  const text = (answer: { body: Uint8Array }): string => Buffer.from(answer.body).toString();

  test("are served with type, policy and no sniffing; the root is the entry", async () => {
    const answer = await ask("/");
    expect(text(answer)).toBe("<p>entry");
    expect(answer.headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "x-content-type-options": "nosniff", "accept-ranges": "bytes" });
    expect(answer.headers["content-security-policy"]).toContain("https://api.example");
    expect(text(await ask("/sub/"))).toBe("<p>sub");
    expect(text(await ask("/%C3%A4%20b.txt?x=1#y"))).toBe("0123456789");
    expect((await ask("/index.html", { method: "HEAD" })).headers["content-length"]).toBe("8");
  });

  test.each([
    ["/../secret.txt", 404],
    ["/..%2fsecret.txt", 400],
    ["/sub/..%2f..%2fsecret.txt", 400],
    ["/%2e%2e%5csecret.txt", 400],
    ["/link.txt", 404],
    ["/up/secret.txt", 404],
    ["/%00", 400],
    ["/%zz", 400],
    ["/sub", 404],
    ["/missing.html", 404],
  ])("%s is refused with %s", async (path, status) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(text(answer)).not.toContain("secret");
  });

  test("are only read", async () => {
    expect((await ask("/", { method: "POST" })).status).toBe(405);
  });

  test.each([
    ["a file", "/", {}, 200],
    ["a file that is not there", "/missing.html", {}, 404],
    ["a folder", "/sub", {}, 404],
    ["a path that is none", "/%zz", {}, 400],
    ["a method that is not read", "/", { method: "POST" }, 405],
    ["a head", "/", { method: "HEAD" }, 200],
    ["a part", "/", { range: "bytes=0-1" }, 206],
    ["a part that is not there", "/", { range: "bytes=99-" }, 416],
    ["a service worker's script", "/", { serviceWorker: true }, 403],
  ] as const)("%s is answered with the package's policy", async (_what, path, more, status) => {
    const { status: answered, headers } = await ask(path, more);
    expect(answered).toBe(status);
    expect(headers).toMatchObject({ "content-security-policy": packageCsp(["https://api.example"]), "x-content-type-options": "nosniff" });
  });

  test("come in ranges", async () => {
    const part = await ask("/%C3%A4%20b.txt", { range: "bytes=2-4" });
    expect([part.status, part.headers["content-range"], text(part)]).toEqual([206, "bytes 2-4/10", "234"]);
    expect(text(await ask("/%C3%A4%20b.txt", { range: "bytes=-3" }))).toBe("789");
    expect((await ask("/%C3%A4%20b.txt", { range: "bytes=10-" })).status).toBe(416);
    expect((await ask("/%C3%A4%20b.txt", { range: "furlongs=1-2" })).status).toBe(200);
  });
});

test("a range is cut to what fits into memory", () => {
  expect(parseRange("bytes=0-", WHOLE_BYTES_MAX * 10)).toEqual({ from: 0, to: RANGE_BYTES_MAX - 1 });
  expect(parseRange("bytes=5-999999999999", 10)).toEqual({ from: 5, to: 9 });
  expect(parseRange("bytes=5-4", 10)).toBe("unsatisfiable");
  expect(parseRange("bytes=0-0", 0)).toBe("unsatisfiable");
  expect(parseRange("bytes=0-1,3-4", 10)).toBeUndefined();
  expect(parseRange("bytes=-", 10)).toBeUndefined();
});
