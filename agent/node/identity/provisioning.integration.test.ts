import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readProvisioning } from "./provisioning.ts";

const PROVISIONING_FILE = "vitrine-provision.json";
import { removeClaimToken } from "./used-claim-token.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-provision-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(content: string): ReturnType<typeof readProvisioning> {
  writeFileSync(join(folder, PROVISIONING_FILE), content);
  return readProvisioning([join(folder, "boot", PROVISIONING_FILE), join(folder, PROVISIONING_FILE)]);
}
const errorOf = (content: string): string => {
  const result = read(content);
  return result.ok ? "ok" : `${result.error.code}: ${result.error.message.replace(folder, "")}`;
};

test("reads a complete file with a byte order mark, and accepts a missing file", () => {
  const all = { endpoints: ["wss://cloud.test/device"], ownerCommandKey: "A".repeat(43), claimToken: "shop-12", deviceName: "Window" };
  expect(readProvisioning([join(folder, PROVISIONING_FILE)])).toEqual({ ok: true, value: undefined });
  expect(read(`\uFEFF${JSON.stringify(all)}`)).toEqual({ ok: true, value: { ...all, path: join(folder, PROVISIONING_FILE) } });
  expect(read("{}")).toMatchObject({ ok: true });
});

test("every error names the file and the place in it", () => {
  const at = `/${PROVISIONING_FILE}`;
  expect(errorOf("{")).toBe(`provisioning.malformed: ${at} is not JSON text`);
  expect(errorOf("[]")).toContain(`provisioning.malformed: ${at}`);
  expect(errorOf('{"endpoint":[]}')).toBe(`provisioning.malformed: ${at}: "endpoint" is not a key of this file`);
  expect(errorOf('{"endpoints":["https://x"]}')).toBe(`provisioning.malformed: ${at}: endpoints.0: must be a ws or wss address`);
  expect(errorOf('{"endpoints":[]}')).toContain("must name at least one address");
  expect(errorOf('{"ownerCommandKey":"short"}')).toContain("ownerCommandKey: must be 43 characters");
  expect(errorOf(`{"claimToken":"${"x".repeat(70_000)}"}`)).toContain("provisioning.unreadable");
});

test("an unencrypted endpoint on another machine is refused with its place, and accepted if the owner allows it", () => {
  const path = join(folder, PROVISIONING_FILE);
  writeFileSync(path, '{"endpoints":["wss://cloud.test/device","ws://10.0.0.5/device"]}');
  expect(readProvisioning([path])).toMatchObject({ ok: false, error: { code: "link.plain-refused", message: expect.stringContaining(`${path}: endpoints`) as string } });
  expect(readProvisioning([path], true).ok).toBe(true);
});

test("a bad file is not skipped in favour of the next one", () => {
  mkdirSync(join(folder, "boot"));
  writeFileSync(join(folder, "boot", PROVISIONING_FILE), "nonsense");
  expect(errorOf("{}")).toContain(`/boot/${PROVISIONING_FILE} is not JSON text`);
});

test("a used claim token is removed from its file, and nothing else", () => {
  const path = join(folder, PROVISIONING_FILE);
  const rest = { endpoints: ["wss://cloud.test/device"], deviceName: "Window" };
  writeFileSync(path, `\uFEFF${JSON.stringify({ ...rest, claimToken: "shop-12" })}`, { mode: 0o640 });
  expect(removeClaimToken(path)).toEqual({ ok: true, value: true });
  expect(readFileSync(path, "utf8")).not.toContain("shop-12");
  expect(readProvisioning([path])).toEqual({ ok: true, value: { ...rest, path } });
  expect([statSync(path).mode & 0o777, readdirSync(folder)]).toEqual([0o640, [PROVISIONING_FILE]]);
  expect(removeClaimToken(path)).toEqual({ ok: true, value: false });
});

test("an unwritable file is reported, and a link or a file without JSON is left alone", () => {
  expect(removeClaimToken(join(folder, "gone.json"))).toMatchObject({ ok: false, error: { code: "provisioning.token-left" } });
  const [real, link] = [join(folder, "real.json"), join(folder, "link.json")];
  writeFileSync(real, '{"claimToken":"a"}');
  symlinkSync(real, link);
  expect(removeClaimToken(link)).toEqual({ ok: true, value: false });
  expect(readFileSync(real, "utf8")).toBe('{"claimToken":"a"}');
  writeFileSync(real, "{");
  expect(removeClaimToken(real)).toEqual({ ok: true, value: false });
});
