import { describe, expect, test } from "vitest";
import { RECOMMENDS } from "../package/control.ts";
import { debianPackages } from "./image-packages.ts";
import { readOptions, whyNoPublicKey } from "./options.ts";

const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0vJq7rYb4kqg1qZ2m9h1vQ2f3t4u5v6w7x8y9z0AbC";

describe("the options of a card image", () => {
  test("without any it is Debian 13 without ssh, with a writable root", () => {
    expect(readOptions([])).toMatchObject({ ok: true, value: { release: "trixie", sshKeyPath: undefined, readOnly: false, withoutBrowser: false } });
  });

  test.each([[["--release", "sid"]], [["--readonly"]], [["stray"]], [["--out"]], [["--release", "bookworm", "--read-only"]]])("%j is refused", (args) => {
    expect(readOptions(args)).toMatchObject({ ok: false, error: { code: "image.usage" } });
  });

  test("--help asks for help", () => {
    expect(readOptions(["--help"])).toEqual({ ok: true, value: undefined });
  });
});

describe("the ssh key of an image", () => {
  test.each([`ssh-ed25519 ${KEY} somebody@example\n`, `# comment\nssh-ed25519 ${KEY}\n\necdsa-sha2-nistp256 ${KEY} two`])("public keys are taken: %j", (text) => {
    expect(whyNoPublicKey(text)).toBeUndefined();
  });

  test.each([
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "private"],
    ["", "empty"],
    [`ssh-ed25519 ${KEY}\nroot:secret`, "line 2"],
    [`command="/bin/sh" ssh-ed25519 ${KEY}`, "line 1"],
  ])("%j is refused", (text, why) => {
    expect(whyNoPublicKey(text)).toContain(why);
  });
});

describe("the packages of an image", () => {
  const of = (changes: Partial<Parameters<typeof debianPackages>[0]>) => debianPackages({ release: "trixie", sshKeyPath: undefined, withoutBrowser: false, ...changes });
  test("ssh is installed only for a key", () => {
    expect(of({})).not.toContain("openssh-server");
    expect(of({ sshKeyPath: "key.pub" })).toContain("openssh-server");
  });

  test("no package is listed twice, and a root without the browser has no compositor either", () => {
    expect(new Set(of({})).size).toBe(of({}).length);
    expect(of({ withoutBrowser: true })).not.toEqual(expect.arrayContaining(["labwc"]));
  });
});

test.each(["trixie", "bookworm"] as const)("an image of %s has all that the package recommends, such as the set-up network's name server", (release) => {
  const image = debianPackages({ release, sshKeyPath: undefined, withoutBrowser: false });
  expect(RECOMMENDS.filter((each) => !each.split(" | ").some((name) => image.includes(name)))).toEqual([]);
});
