import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import { systemdCertificates, type Found } from "../../platform/linux/device-certificates.ts";
import { prepareCertificate, type PrepareFolders } from "../../platform/linux/prepare-certificate.ts";
import { fail, ok } from "../../platform/ports/result.ts";
import { reportLeftOut } from "../check/left-out.ts";

const OWN = { subject: "CN=cloud.test", notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2200, 0, 1) };

let root: string;
let folders: PrepareFolders;
let key: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-certificate-"));
  folders = { certificates: join(root, "certificates"), profiles: join(root, "profiles"), found: join(root, "found") };
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
  return systemdCertificates(run, folders.certificates, folders.found).prepare("shop");
};
const step = (): Found => prepareCertificate("shop", folders);

/** The unit's process: root without a capability. */
function asTheUnit(): void {
  const module = join(import.meta.dirname, "../../platform/linux/prepare-certificate.ts");
  const program = `import { prepareCertificate } from ${JSON.stringify(module)}; prepareCertificate("shop", ${JSON.stringify(folders)});`;
  execFileSync("setpriv", ["--bounding-set=-all", "--inh-caps=-all", process.execPath, "--input-type=module", "-e", program]);
}

test("a certificate is ready with its holder and its dates", async () => {
  expect(step()).toEqual({ kind: "ready", own: OWN });
  expect(await told(step)).toEqual({ ok: true, value: { kind: "ready", own: OWN } });
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

test("a step that did not run leaves no result of an earlier time that looks like its answer", async () => {
  for (const text of [VALID.key, "no key"]) {
    writeFileSync(key, text);
    await told(step);
    expect(await told(() => undefined), text).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
  }
});

test("holder and dates of a folder that only root may read come from root's step", async () => {
  prepareCertificate("shop", folders);
  const facts = () => systemdCertificates(() => Promise.resolve(ok("")), join(root, "closed to the agent"), folders.found).facts("shop");
  expect(await facts()).toEqual(OWN);
  rmSync(key);
  expect(prepareCertificate("shop", folders)).toMatchObject({ kind: "problem", code: "network.certificate-not-found" });
  expect(await facts()).toBeUndefined();
});
