import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const LAYER = readFileSync(join(import.meta.dirname, "layer/vitrine.yaml"), "utf8");
/** The scripts of the layer, as mmdebstrap runs them: `$1` is the root. */
const hooks = LAYER.slice(LAYER.indexOf("customize-hooks:")).split(/\n {4}- \|-\n/).slice(1).map((text) => text.replaceAll(/^ {6}/gm, ""));

describe("the hooks of the layer for rpi-image-gen", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "vitrine-layer-"));
    mkdirSync(join(root, "etc/rpi-image-gen/slot-shared.d"), { recursive: true });
    writeFileSync(join(root, "etc/rpi-image-gen/slot-shared.d/vitrine.conf"), readFileSync(join(import.meta.dirname, "../../systemd/slot-shared.conf")));
    for (const folder of ["etc/vitrine", "var/lib/vitrine/identity", "var/lib/vitrine-player", "var/lib/vitrine-content", "var/log/vitrine-player", "etc/rpi-connect", "tmp", "bin"]) mkdirSync(join(root, folder), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function run(index: number, env: Readonly<Record<string, string>> = {}) {
    return spawnSync("sh", ["-c", hooks[index] ?? "exit 99", "hook", root], { encoding: "utf8", env: { PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}`, ...env } });
  }

  test("the package is installed in the root, and its file is removed", () => {
    writeFileSync(join(root, "given.deb"), "package");
    writeFileSync(join(root, "bin/chroot"), `#!/bin/sh\necho "$*" > ${root}/asked; cp "$1/tmp/vitrine.deb" ${root}/seen\n`);
    chmodSync(join(root, "bin/chroot"), 0o755);
    expect(run(0, { IGconf_vitrine_deb: join(root, "given.deb") })).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(root, "asked"), "utf8")).toBe(`${root} dpkg --install /tmp/vitrine.deb\n`);
    expect([readFileSync(join(root, "seen"), "utf8"), existsSync(join(root, "tmp/vitrine.deb"))]).toEqual(["package", false]);
  });

  test("an empty configuration goes, and shared folders without files pass", () => {
    writeFileSync(join(root, "etc/vitrine/config.json"), "{}\n");
    expect(run(1)).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(join(root, "etc/vitrine/config.json"))).toBe(false);
  });

  test.each(["var/lib/vitrine/identity/device.key", "var/lib/vitrine-content/page", "etc/vitrine/config.json"])("a file in a shared folder ends the build and is named: %s", (path) => {
    writeFileSync(join(root, path), '{"cloud": {}}');
    const { status, stderr } = run(1);
    expect(status).not.toBe(0);
    expect(stderr).toContain(path);
  });

  test.each([["AutoReboot=true\nAutoCommit=true\n"], ["# AutoCommit=true\nAutoReboot=true\n"], [" AutoCommit = true\n"]])("the connector does not commit a slot by itself: %j", (text) => {
    const file = join(root, "etc/rpi-connect/rpi-ota-connector.config");
    writeFileSync(file, text);
    expect(run(2).status).toBe(0);
    expect(readFileSync(file, "utf8").split("\n").filter((line) => /^\s*AutoCommit/.test(line))).toEqual(["AutoCommit=false"]);
  });

  test("without the connector nothing is written", () => {
    expect(run(2).status).toBe(0);
    expect(existsSync(join(root, "etc/rpi-connect/rpi-ota-connector.config"))).toBe(false);
  });
});
