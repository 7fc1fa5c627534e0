import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageCsp } from "../stage/navigation-rules.ts";
import { answerFromPackage } from "./package-files.ts";
import type { PackageFolders } from "./package-folders.ts";

/** A place for packages. */
export interface FoldersUnderTest {
  readonly folders: PackageFolders;
  /** Unpacks a package with these files and returns its folder. */
  unpack(files: Readonly<Record<string, string>>): Promise<string>;
  remove(folder: string): Promise<void>;
  dispose(): Promise<void>;
}

/** The suite for every implementation of `PackageFolders`. */
export function describePackageFolders(name: string, make: () => Promise<FoldersUnderTest>): void {
  describe(`a package's files in ${name}`, () => {
    let place: FoldersUnderTest;
    let folder: string;

    beforeAll(async () => {
      place = await make();
      await place.unpack({ "secret.txt": "secret" });
      folder = await place.unpack({ "index.html": "<p>entry", "sub/index.html": "<p>sub", "sub/Ä.CSS": "", "ä b.txt": "0123456789" });
    });
    afterAll(() => place.dispose());

    const ask = (path: string, more: { method?: string; range?: string; serviceWorker?: boolean } = {}) =>
      answerFromPackage(place.folders, { folder, entry: "index.html", allowedOrigins: ["https://api.example"] }, { method: "GET", url: `https://vitrine-x.invalid${path}`, ...more });
    const text = (answer: { body: Uint8Array }): string => new TextDecoder().decode(answer.body);

    test("are served with type, policy and nosniff; the root is the entry", async () => {
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
      ["/%00", 400],
      ["/%zz", 400],
      ["/sub", 404],
      ["/missing.html", 404],
    ])("%s is refused with %s", async (path, status) => {
      const answer = await ask(path);
      expect(answer.status).toBe(status);
      expect(text(answer)).not.toContain("secret");
    });

    test("can only be read", async () => {
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

    test("are served in ranges", async () => {
      const part = await ask("/%C3%A4%20b.txt", { range: "bytes=2-4" });
      expect([part.status, part.headers["content-range"], text(part)]).toEqual([206, "bytes 2-4/10", "234"]);
      expect(text(await ask("/%C3%A4%20b.txt", { range: "bytes=-3" }))).toBe("789");
      expect((await ask("/%C3%A4%20b.txt", { range: "bytes=10-" })).status).toBe(416);
      expect((await ask("/%C3%A4%20b.txt", { range: "furlongs=1-2" })).status).toBe(200);
    });

    test("are listed by folder; something that is not a folder has no names", async () => {
      expect([...(await place.folders.names(folder, ""))].sort()).toEqual(["index.html", "sub", "ä b.txt"]);
      expect([...(await place.folders.names(folder, "sub"))].sort()).toEqual(["index.html", "Ä.CSS"]);
      for (const path of ["nothing", "index.html"]) expect(await place.folders.names(folder, path)).toEqual([]);
    });

    test("are gone with their package, which can be told from a package that is there", async () => {
      const other = await place.unpack({ "index.html": "x" });
      expect(await place.folders.isGone(other)).toBe(false);
      await place.remove(other);
      expect([await place.folders.isGone(other), await place.folders.isGone(folder)]).toEqual([true, false]);
      expect(await place.folders.open(other, "index.html")).toBeUndefined();
    });
  });
}
