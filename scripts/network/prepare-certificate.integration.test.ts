import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import { inUseFolder, systemdCertificates, type Found } from "../../platform/linux/device-certificates.ts";
import { prepareCertificate, type PrepareFolders } from "../../platform/linux/prepare-certificate.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import { fail, ok } from "../../platform/ports/result.ts";
import { reportLeftOut } from "../check/left-out.ts";

const OWN = { subject: "CN=cloud.test", notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2200, 0, 1) };

let root: string;
let folders: PrepareFolders;
let key: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-certificate-"));
  folders = { certificates: join(root, "certificates"), profiles: join(root, "profiles"), found: join(root, "found"), users: [join(root, "users")] };
  const shop = join(folders.certificates, "shop");
  key = join(shop, "key.pem");
  mkdirSync(shop, { recursive: true });
  for (const [file, text] of [["ca.pem", VALID.cert], ["certificate.pem", VALID.cert], ["key.pem", VALID.key]] as const) writeFileSync(join(shop, file), text);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the agent is told when it has root's step done. */
const told = (step: () => unknown) => {
  const run = () => {
    const found = step();
    return Promise.resolve(found !== undefined && (found as Found).kind === "problem" ? fail("program.failed", "the step failed") : ok(""));
  };
  return systemdCertificates(run, systemClock, folders.certificates, folders.found).prepare("shop");
};
const step = (): Found => prepareCertificate("shop", folders);

/** The unit's process: root without a capability. */
function asTheUnit(): void {
  const module = join(import.meta.dirname, "../../platform/linux/prepare-certificate.ts");
  const program = `import { prepareCertificate } from ${JSON.stringify(module)}; prepareCertificate("shop", ${JSON.stringify(folders)});`;
  execFileSync("setpriv", ["--bounding-set=-all", "--inh-caps=-all", process.execPath, "--input-type=module", "-e", program]);
}

test("a certificate is ready with its holder and its dates", async () => {
  expect(step()).toMatchObject({ kind: "ready", own: OWN });
  expect(await told(step)).toMatchObject({ ok: true, value: { kind: "ready", own: OWN } });
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) reportLeftOut("a certificate's key of another owner", "only root can give files away");

test.skipIf(!isRoot)("a key of another owner is told with its path and the reason, not with the last result", async () => {
  expect(await told(asTheUnit)).toMatchObject({ ok: true });
  chownSync(key, 12_345, 12_345);
  const words = expect.stringMatching(/EPERM.*\/shop\/key\.pem.*must belong to root/) as string;
  expect(await told(asTheUnit)).toMatchObject({ ok: false, error: { code: "network.certificate-unreadable", message: words } });
});

test("a step that cannot tell its result leaves none of an earlier time", async () => {
  expect(prepareCertificate("shop", folders)).toMatchObject({ kind: "ready" });
  rmSync(folders.certificates, { recursive: true });
  mkdirSync(join(folders.found, "shop.json.part", "in the way"), { recursive: true });
  expect(step).toThrow("shop.json.part");
  expect(await told(() => undefined)).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
});

test("a folder for profiles that is none is a result, not a crash", async () => {
  writeFileSync(folders.profiles, "");
  expect(step()).toMatchObject({ kind: "problem", code: "network.certificate-unreadable", message: expect.stringContaining(folders.profiles) as string });
  expect(await told(step)).toMatchObject({ ok: false, error: { code: "network.certificate-unreadable" } });
});

const inUse = (version: string, ...file: readonly string[]): string => join(inUseFolder(folders.certificates, { name: "shop", version }), ...file);
const ready = (found: Found): string => {
  if (found.kind !== "ready") throw new Error(found.message);
  return found.version;
};

test("what was checked is copied, and files put in place of others change nothing that is in use", () => {
  const first = ready(step());
  expect(["ca.pem", "certificate.pem", "key.pem"].map((file) => statSync(inUse(first, file)).mode & 0o777)).toEqual([0o644, 0o644, 0o600]);
  expect(readFileSync(join(folders.profiles, "vitrine-certificate-shop-ethernet.nmconnection"), "utf8")).toContain(`private-key=${inUse(first, "key.pem")}`);
  writeFileSync(key, VALID.key.replaceAll("\n", "\r\n"));
  const second = ready(step());
  expect(second).not.toBe(first);
  expect(readFileSync(inUse(first, "key.pem"), "utf8")).toBe(VALID.key);
  writeFileSync(key, "no key");
  expect([step().kind, readdirSync(inUse(".")).length]).toEqual(["problem", 2]);
  writeFileSync(key, VALID.key);
  expect(ready(step())).toBe(first);
});

test("root's step is asked again only for other files, also of the same size and date, and for a new password", async () => {
  let asked = 0;
  const run = () => {
    asked += 1;
    step();
    return Promise.resolve(ok(""));
  };
  const look = () => systemdCertificates(run, systemClock, folders.certificates, folders.found).look("shop");
  const first = await look();
  expect([await look(), asked]).toEqual([first, 1]);
  const { atime, mtime } = statSync(key);
  const text = VALID.key.replace("\n", " ");
  writeFileSync(key, text);
  utimesSync(key, atime, mtime);
  expect(await look()).toMatchObject({ ok: false, error: { code: "network.certificate-unreadable" } });
  expect([(await look()).ok, asked]).toEqual([false, 2]);
  writeFileSync(key, VALID.key);
  writeFileSync(join(folders.certificates, "shop", "key-password.txt"), "not needed\n");
  const renewed = await look();
  expect([renewed.ok && first.ok && renewed.value.version !== first.value.version, asked]).toEqual([true, 3]);
});

test("of copies only the newest are kept, and those that a profile uses", () => {
  const versions: string[] = [];
  const renewed = (): void => {
    writeFileSync(join(folders.certificates, "shop", "key-password.txt"), `word ${versions.length}`);
    versions.push(ready(step()));
    // Their order is told by their dates, which may be the same within a test.
    utimesSync(inUse(versions.at(-1) ?? ""), versions.length, versions.length);
  };
  mkdirSync(join(root, "users"));
  renewed();
  writeFileSync(join(root, "users", "kept.yaml"), `ca: "${inUse(versions[0] ?? "", "ca.pem")}"`);
  while (versions.length < 12) renewed();
  const left = (): string[] => readdirSync(inUse("."));
  expect(new Set(left())).toEqual(new Set([versions[0], ...versions.slice(-8)]));
  rmSync(join(root, "users"), { recursive: true });
  renewed();
  expect(left()).not.toContain(versions[0]);
});

test("a step that did not run leaves no result of an earlier time that looks like its answer", async () => {
  for (const text of [VALID.key, "no key"]) {
    writeFileSync(key, text);
    await told(step);
    expect(await told(() => undefined), text).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
  }
});

test("holder and dates of a folder that only root may read come from root's step", async () => {
  prepareCertificate("shop", folders);
  const facts = () => systemdCertificates(() => Promise.resolve(ok("")), systemClock, join(root, "closed to the agent"), folders.found).facts({ name: "shop" });
  expect(await facts()).toEqual(OWN);
  rmSync(key);
  expect(prepareCertificate("shop", folders)).toMatchObject({ kind: "problem", code: "network.certificate-not-found" });
  expect(await facts()).toBeUndefined();
});
