import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyFromSeed } from "../../../platform/linux/node-crypto.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { KEY_COPY, KEY_FILE, loadDeviceKey, parseKeyFile, type LoadedKey } from "./device-key-file.ts";

let folder: string;
let seed = 0;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "vitrine-key-")), "identity");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

/** Loads the key as a start of the agent does, with fresh randomness each time. */
function load(): LoadedKey {
  seed += 1;
  return loadDeviceKey({ folder, random: new SeededRandom(seed), wallMs: () => 1_700_000_000_000 + seed, keyFromSeed });
}
const idOf = (loaded: LoadedKey): string => toHex(loaded.key.publicKey);
const codes = (loaded: LoadedKey): string[] => loaded.findings.map((finding) => finding.code);
const main = (): string => join(folder, KEY_FILE);
const copy = (): string => join(folder, KEY_COPY);

describe("the device's key on disk", () => {
  test("is created once, readable by the agent's user only, and stays the same at every start", () => {
    const first = load();
    expect([first.origin, codes(first)]).toEqual(["created", []]);
    expect([statSync(folder).mode & 0o777, statSync(main()).mode & 0o777, statSync(copy()).mode & 0o777]).toEqual([0o700, 0o600, 0o600]);
    const second = load();
    expect([second.origin, codes(second), idOf(second)]).toEqual(["stored", [], idOf(first)]);
    expect(readdirSync(folder).sort()).toEqual([KEY_FILE, KEY_COPY]);
  });

  test("restores a missing, empty, truncated or foreign copy from the other one", () => {
    const id = idOf(load());
    const text = readFileSync(main(), "utf8");
    for (const [damaged, other] of [[main(), copy()], [copy(), main()]] as const) {
      for (const content of [undefined, "", text.slice(0, 80), "{}", '{"kind":"vitrine-device-key"}', "\0".repeat(200)]) {
        if (content === undefined) rmSync(damaged);
        else writeFileSync(damaged, content);
        const loaded = load();
        expect([idOf(loaded), codes(loaded)]).toEqual([id, ["identity.copy-restored"]]);
        expect(readFileSync(damaged, "utf8")).toBe(readFileSync(other, "utf8"));
        expect(codes(load())).toEqual([]);
      }
    }
    // The evidence is kept up to a limit.
    expect(readdirSync(folder).filter((name) => name.includes(".damaged-"))).toHaveLength(6);
  });

  test("detects every flipped bit that changes the key", () => {
    const id = idOf(load());
    const good = readFileSync(main());
    const others = new Set<string>();
    let noticed = 0;
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bytes = Buffer.from(good);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const copied = parseKeyFile(bytes.toString("utf8"), keyFromSeed);
      if (copied.kind === "good") others.add(toHex(copied.key.publicKey));
      else noticed += 1;
    }
    // Changed white space between the fields is harmless.
    expect([...others].filter((other) => other !== id)).toEqual([]);
    expect(noticed).toBeGreaterThan(good.length * 7);
  });

  test("sets two damaged copies aside, creates a new identity and reports it", () => {
    const id = idOf(load());
    writeFileSync(main(), "gone");
    writeFileSync(copy(), "gone too");
    const loaded = load();
    expect([loaded.origin, codes(loaded)]).toEqual(["replaced", ["identity.lost"]]);
    expect(loaded.findings[0]?.evidence).toEqual({ [KEY_FILE]: "it is not a key file", [KEY_COPY]: "it is not a key file" });
    expect(idOf(loaded)).not.toBe(id);
    expect(readdirSync(folder).filter((name) => name.includes(".damaged-"))).toHaveLength(2);
    expect([idOf(load()), codes(load())]).toEqual([idOf(loaded), []]);
  });

  test("uses the first of two valid but different keys and keeps the other as evidence", () => {
    const id = idOf(load());
    const text = readFileSync(main(), "utf8");
    rmSync(main());
    rmSync(copy());
    const other = idOf(load());
    writeFileSync(main(), text);
    const loaded = load();
    expect([idOf(loaded), loaded.origin, codes(loaded)]).toEqual([id, "stored", ["identity.copy-restored"]]);
    expect(other).not.toBe(id);
    expect(readFileSync(copy(), "utf8")).toBe(text);
    expect(readdirSync(folder).filter((name) => name.includes(".damaged-"))).toHaveLength(1);
  });

  test("corrects and reports permissions that let others read", () => {
    const id = idOf(load());
    chmodSync(folder, 0o755);
    chmodSync(main(), 0o644);
    const loaded = load();
    expect([idOf(loaded), codes(loaded)]).toEqual([id, ["identity.permissions", "identity.permissions"]]);
    expect([statSync(folder).mode & 0o777, statSync(main()).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(codes(load())).toEqual([]);
  });

  test("does not use a link, a folder or a huge file in place of a copy", () => {
    const id = idOf(load());
    const outside = join(folder, "..", "outside");
    writeFileSync(outside, "somebody else's");
    rmSync(main());
    symlinkSync(outside, main());
    rmSync(copy());
    mkdirSync(copy());
    expect(load().origin).toBe("replaced");
    expect(readFileSync(outside, "utf8")).toBe("somebody else's");
    writeFileSync(main(), "x".repeat(100_000));
    const loaded = load();
    expect(loaded.origin).toBe("restored");
    expect(idOf(loaded)).not.toBe(id);
  });

  test("ignores the temporary file of an interrupted write", () => {
    const id = idOf(load());
    writeFileSync(`${main()}.tmp`, "half a ke");
    rmSync(main());
    expect(idOf(load())).toBe(id);
    expect(existsSync(`${main()}.tmp`)).toBe(false);
  });

  test("runs on a key in memory and reports it when nothing can be written", () => {
    writeFileSync(folder, "a file where the folder should be");
    const loaded = load();
    expect([loaded.origin, codes(loaded)]).toEqual(["temporary", ["identity.not-stored"]]);
    expect(loaded.key.publicKey).toHaveLength(32);
  });
});
