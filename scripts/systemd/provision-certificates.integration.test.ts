import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { EXPIRED, VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { whyNoOtherUsers } from "./testing/other-users.ts";
import { NAME, ProvisionBench, ProvisionPrograms } from "./testing/provision-bench.ts";

const cannot = whyNoOtherUsers();
if (cannot !== undefined) reportLeftOut("the step that takes certificates from the boot partition", cannot);

const FOLDER = "vitrine-certificates";
const FILES: Readonly<Record<string, string>> = { "ca.pem": VALID.cert, "certificate.pem": VALID.cert, "key.pem": VALID.key };
const SETTINGS = '{\n  "network": { "dot1x": { "eth0": {\n    "method": "tls", "identity": "player-7", "certificate": "shop" } } }\n}';

let programs: ProvisionPrograms;
beforeAll(() => {
  programs = new ProvisionPrograms();
});
afterAll(() => programs.remove());

let bench: ProvisionBench;
beforeEach(() => {
  bench = new ProvisionBench(programs);
});
afterEach(() => bench.remove());

function put(files: Readonly<Record<string, string | Uint8Array>> = FILES, name = "shop"): void {
  mkdirSync(bench.at("boot", FOLDER, name), { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(bench.at("boot", FOLDER, name, file), content);
}
function stored(name = "shop"): Readonly<Record<string, string>> {
  const folder = bench.at("store", name);
  return existsSync(folder) ? Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")])) : {};
}
const refused = (): unknown => JSON.parse(readFileSync(bench.at("data", "vitrine-provision.refused"), "utf8"));

test.skipIf(cannot !== undefined)("takes certificates and the settings that name them, with the modes of the store, and leaves nothing of them on the boot partition", () => {
  put();
  bench.put(SETTINGS);
  linkSync(bench.at("boot", FOLDER, "shop", "key.pem"), bench.at("boot", "same-blocks"));
  expect(bench.step()).toMatchObject({ code: 0, said: expect.stringContaining("took the certificate shop") as string });
  expect(stored()).toEqual(FILES);
  expect(["", "ca.pem", "certificate.pem", "key.pem"].map((file) => statSync(bench.at("store", "shop", file)).mode & 0o777)).toEqual([0o755, 0o644, 0o644, 0o600]);
  expect(JSON.parse(bench.taken() ?? "null")).toEqual(JSON.parse(SETTINGS));
  expect(readFileSync(bench.at("boot", "same-blocks")).every((byte) => byte === 0)).toBe(true);
  rmSync(bench.at("boot", "same-blocks"));
  expect([bench.boot(), bench.step()]).toEqual([[], { code: 0, said: "" }]);
  expect(readdirSync(bench.at("store"))).toEqual(["shop"]);
});

test.skipIf(cannot !== undefined)("replaces a certificate as a whole, also by itself, and takes files as Windows saves them", () => {
  put({ ...FILES, "key-password.txt": "old\n" });
  expect(bench.step().code).toBe(0);
  put({ "CA.PEM.txt": Buffer.from(`\ufeff${VALID.cert.replaceAll("\n", "\r\n")}`, "utf16le"), "Thumbs.db": "x", "._ca.pem": "x" }, "Shop");
  expect(bench.step()).toMatchObject({ code: 0 });
  expect([stored(), bench.boot()]).toEqual([{ "ca.pem": VALID.cert.replaceAll("\n", "\r\n") }, []]);
});

test.skipIf(cannot !== undefined).each<[string, Readonly<Record<string, string>>, RegExp]>([
  ["no authority", { "certificate.pem": VALID.cert, "key.pem": VALID.key }, /shop\/ca\.pem is missing: .*\r\nWhat to do: put ca\.pem, and .* into the folder\.\r\n/],
  ["a key without a certificate", { "ca.pem": VALID.cert, "key.pem": VALID.key }, /shop\/certificate\.pem is missing/],
  ["a file that is none of a certificate", { ...FILES, "player.p12": "x" }, /shop\/player\.p12 is not a file of a certificate\r\nWhat to do: put ca\.pem, and/],
  ["a line that was cut", { ...FILES, "ca.pem": VALID.cert.replace(/\n(.{10})/, "\n$1…") }, /shop\/ca\.pem, line 2: this line holds characters that PEM has not\r\nWhat to do: save the file again as PEM/],
  ["the key in the place of the certificate", { ...FILES, "certificate.pem": VALID.key }, /shop\/certificate\.pem, line 1: this is a PRIVATE KEY, and a CERTIFICATE belongs here/],
  ["an end that is missing", { ...FILES, "key.pem": VALID.key.replace(/-----END.*/, "") }, /shop\/key\.pem, line 4: the file ends without a line -----END PRIVATE KEY-----/],
  ["the key of another certificate", { ...FILES, "key.pem": EXPIRED.key }, /shop\/key\.pem is not the key of certificate\.pem\r\nWhat to do: use the key/],
])("a certificate with %s stays, is told in the problem file and to the agent, and so are the settings that name it", (_what, files, words) => {
  put(files);
  bench.put(SETTINGS);
  for (let boot = 0; boot < 2; boot += 1) {
    expect(bench.step().code).toBe(1);
    expect([stored(), bench.taken(), bench.boot()]).toEqual([{}, undefined, [FOLDER, "vitrine-problem.txt", NAME]]);
    expect(bench.problem()).toMatch(words);
    expect(bench.problem()).toMatch(/vitrine\.json, line 3, column \d+: network\.dot1x\.eth0\.certificate: this device has no certificate shop\r\nWhat to do: put its files into the folder vitrine-certificates\/shop beside this file/);
  }
  // Without the settings the certificate itself is what the agent is told.
  rmSync(bench.at("boot", NAME));
  expect(bench.step().code).toBe(1);
  expect(refused()).toMatchObject({ code: "provisioning.certificate", message: expect.stringMatching(/shop/) as string });
  rmSync(bench.at("boot", FOLDER, "shop"), { recursive: true });
  put();
  bench.put(SETTINGS);
  expect([bench.step().code, bench.boot(), stored()]).toEqual([0, [], FILES]);
  expect(readdirSync(bench.at("data"))).toEqual(["vitrine-provision.json"]);
});

test.skipIf(cannot !== undefined)("a folder whose name no settings can use, and files outside a folder, are told; what beside them is right is taken", () => {
  put(FILES, "shop 7");
  put();
  writeFileSync(bench.at("boot", FOLDER, "ca.pem"), VALID.cert);
  bench.put('{"deviceName": "Window"}');
  expect(bench.step().code).toBe(1);
  expect([stored(), bench.boot(), readdirSync(bench.at("boot", FOLDER)).sort()]).toEqual([FILES, [FOLDER, "vitrine-problem.txt"], ["ca.pem", "shop 7"]]);
  expect(bench.problem()).toMatch(/shop 7: the name of a certificate's folder has .*\r\nWhat to do: rename it/);
  expect(bench.problem()).toMatch(/ca\.pem is not in the folder of a certificate\.\r\nWhat to do: make a folder/);
  expect([JSON.parse(bench.taken() ?? "null"), refused()]).toMatchObject([{ deviceName: "Window" }, { code: "provisioning.certificate" }]);
  expect(bench.problem()).not.toMatch(/PRIVATE KEY-----/);
});

test.skipIf(cannot !== undefined)("what a removal that was cut short left of a certificate goes first, also where the same certificate comes again", () => {
  put();
  put({ "key.pem": VALID.key }, "shop.vitrine-taken");
  mkdirSync(bench.at("boot", FOLDER, "shop.vitrine-taken", "shop"));
  writeFileSync(bench.at("boot", FOLDER, "shop.vitrine-taken", "shop", "key.pem"), VALID.key);
  linkSync(bench.at("boot", FOLDER, "shop.vitrine-taken", "shop", "key.pem"), bench.at("boot", "same-blocks"));
  expect(bench.step()).toMatchObject({ code: 0, said: expect.stringContaining("took the certificate shop") as string });
  expect(readFileSync(bench.at("boot", "same-blocks")).every((byte) => byte === 0)).toBe(true);
  rmSync(bench.at("boot", "same-blocks"));
  expect([stored(), bench.boot(), bench.step()]).toEqual([FILES, [], { code: 0, said: "" }]);
});

test.skipIf(cannot !== undefined)("a store that takes no writes leaves the certificate where it is", () => {
  put();
  rmSync(bench.at("store"), { recursive: true });
  writeFileSync(bench.at("store"), "");
  expect(bench.step()).toMatchObject({ code: 1, said: expect.stringContaining("stays where it is") as string });
  expect(readdirSync(bench.at("boot", FOLDER, "shop")).sort()).toEqual(Object.keys(FILES).sort());
});

const OLD = { "ca.pem": EXPIRED.cert, "certificate.pem": EXPIRED.cert, "key.pem": EXPIRED.key };
test.skipIf(cannot !== undefined)("a power cut at any point leaves the old certificate, the new one or both whole, and the next boot completes the step", () => {
  let cuts = 0;
  for (let cut = 1; ; cut += 1) {
    for (const name of bench.boot()) rmSync(bench.at("boot", name), { recursive: true });
    rmSync(bench.at("store"), { recursive: true });
    mkdirSync(bench.at("store"));
    put(OLD);
    expect(bench.step().code).toBe(0);
    put();
    const { code } = bench.step({ path: bench.shims(cut, ["setpriv", "dd", "rm", "sync", "mv", "stat", "head", "rmdir"]), cut });
    if (code === 0) break;
    cuts += 1;
    const onCard = existsSync(bench.at("boot", FOLDER, "shop"));
    expect([OLD, FILES, {}], `after cut ${cut}`).toContainEqual(stored());
    // Until it is whole in the store it is whole on the card.
    expect(onCard ? FILES : stored(), `after cut ${cut}`).toEqual(FILES);
    expect(bench.step(), `after cut ${cut}`).toMatchObject({ code: 0 });
    expect([stored(), bench.boot()], `after cut ${cut}`).toEqual([FILES, []]);
    expect(bench.step(), `after cut ${cut}`).toEqual({ code: 0, said: "" });
    expect(readdirSync(bench.at("store")), `after cut ${cut}`).toEqual(["shop"]);
  }
  // Those of the step itself and those inside the program that it runs.
  expect(cuts).toBeGreaterThan(30);
}, 240_000);

test.skipIf(cannot !== undefined)("a card that is taken away after a power cut between the old and the new certificate leaves the old one", () => {
  put(OLD);
  bench.step();
  mkdirSync(bench.at("store", ".taken"));
  // As the step leaves it there.
  linkTree(bench.at("store", "shop"), bench.at("store", ".taken", "shop.old"));
  expect([bench.step().code, stored()]).toEqual([0, OLD]);
  expect(readdirSync(bench.at("store"))).toEqual(["shop"]);
});

function linkTree(from: string, to: string): void {
  mkdirSync(to);
  for (const file of readdirSync(from)) linkSync(join(from, file), join(to, file));
  rmSync(from, { recursive: true });
}
