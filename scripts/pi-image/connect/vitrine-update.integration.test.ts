import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../check/left-out.ts";

const SCRIPT = join(import.meta.dirname, "vitrine-update");
const MANIFEST = join(import.meta.dirname, "manifest.yaml");
const why = whyNoDpkg();
if (why !== undefined) reportLeftOut("the script for Raspberry Pi Connect, on a real dpkg", why);

function whyNoDpkg(): string | undefined {
  if (process.getuid?.() !== 0) return "packages are installed into a root of their own as root only";
  return spawnSync("dpkg", ["--version"]).error === undefined ? undefined : "dpkg is not there";
}

describe.skipIf(why !== undefined)("the script for Raspberry Pi Connect installs the package", () => {
  const arch = spawnSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).stdout?.trim() ?? "";
  let place = "";
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "vitrine-connect-"));
    for (const folder of ["root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "payloads", "bin"]) mkdirSync(join(place, folder), { recursive: true });
    writeFileSync(join(place, "root/var/lib/dpkg/status"), "");
    // The command line answers when the installed version's agent would.
    program("vitrine", `[ "$(cat ${place}/root/usr/share/vitrine-test 2> /dev/null)" = answers ]`);
    program("sleep", "exit 0");
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  function program(name: string, text: string): void {
    writeFileSync(join(place, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(place, "bin", name), 0o755);
  }

  interface Deb {
    readonly version?: string;
    readonly arch?: string;
    readonly name?: string;
    readonly agent?: "answers" | "hangs";
    readonly postinst?: string;
    readonly sizeKib?: number;
  }

  /** Builds a small package and puts it where the artefact's would be. */
  function deliver({ version = "1.0.0", arch: of = arch, name = "vitrine", agent = "answers", postinst, sizeKib = 10 }: Deb): void {
    const tree = mkdtempSync(join(place, "tree-"));
    chmodSync(tree, 0o755);
    mkdirSync(join(tree, "DEBIAN"));
    mkdirSync(join(tree, "usr/share"), { recursive: true });
    writeFileSync(join(tree, "usr/share/vitrine-test"), agent);
    writeFileSync(join(tree, "DEBIAN/control"), `Package: ${name}\nVersion: ${version}\nArchitecture: ${of}\nInstalled-Size: ${sizeKib}\nMaintainer: nobody <nobody@vitrine.invalid>\nDescription: test\n`);
    if (postinst !== undefined) writeFileSync(join(tree, "DEBIAN/postinst"), `#!/bin/sh\n${postinst}\n`, { mode: 0o755 });
    const built = spawnSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "--build", tree, join(place, "payloads/vitrine.deb")], { encoding: "utf8" });
    expect(built.stderr).toBe("");
  }

  /** Runs the script as the connector does: without arguments, in the folder of the payloads. */
  function update(): { readonly status: number | null; readonly said: string } {
    const { status, stdout, stderr } = spawnSync(SCRIPT, {
      cwd: join(place, "payloads"),
      encoding: "utf8",
      env: { PATH: `${join(place, "bin")}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, DPKG_ROOT: join(place, "root"), DPKG_FORCE: "script-chrootless", VITRINE_UPDATE_ROOT: join(place, "root"), VITRINE_UPDATE_WAIT_S: "2" },
    });
    return { status, said: stdout + stderr };
  }

  function installed(): string {
    return spawnSync("dpkg-query", ["--show", "--showformat", `\${db:Status-Status} \${Version}`, "vitrine"], { encoding: "utf8", env: { ...process.env, DPKG_ROOT: join(place, "root") } }).stdout;
  }

  test("on a device without Vitrine, and again: 0, and the second time nothing is done", () => {
    deliver({ version: "1.0.0" });
    expect(update()).toMatchObject({ status: 0, said: expect.stringContaining("version 1.0.0 runs") as string });
    expect(installed()).toBe("installed 1.0.0");
    expect(update()).toMatchObject({ status: 0, said: expect.stringContaining("installed already") as string });
  });

  test("over an older version: 0; where something asks for a reboot: 2", () => {
    deliver({ version: "1.0.0" });
    update();
    deliver({ version: "1.0.1" });
    expect(update().status).toBe(0);
    deliver({ version: "1.1.0", postinst: `mkdir -p ${place}/root/run && touch ${place}/root/run/reboot-required` });
    expect(update()).toMatchObject({ status: 2, said: expect.stringContaining("has to reboot") as string });
    expect(installed()).toBe("installed 1.1.0");
  });

  test.each<readonly [string, Deb | "none" | "cut" | "junk", string]>([
    ["no package", "none", "not in the artefact"],
    ["a file that is no package", "junk", "damaged on the way"],
    ["a package that was cut off", "cut", "damaged on the way"],
    ["another program's package", { name: "other", version: "2.0.0" }, "not a readable package of Vitrine"],
    ["another architecture's package", { arch: "riscv64", version: "2.0.0" }, "the package is for riscv64"],
    ["an older version", { version: "0.9.0" }, "older than the installed 1.0.0"],
    ["a version that does not fit on the disk", { version: "2.0.0", sizeKib: 2_000_000_000 }, "free space are needed"],
  ])("%s is refused with 1 and changes nothing", (_name, deb, said) => {
    deliver({ version: "1.0.0" });
    update();
    if (deb === "none") rmSync(join(place, "payloads/vitrine.deb"));
    else if (deb === "junk") writeFileSync(join(place, "payloads/vitrine.deb"), "not an archive");
    else if (deb === "cut") {
      deliver({ version: "2.0.0" });
      truncateSync(join(place, "payloads/vitrine.deb"), statSync(join(place, "payloads/vitrine.deb")).size - 60);
    } else deliver(deb);
    const { status, said: text } = update();
    expect(text).toContain(said);
    expect(text).toContain("nothing was changed");
    expect(status).toBe(1);
    expect(installed()).toBe("installed 1.0.0");
  });

  test("while another release is on trial it is refused with 1", () => {
    mkdirSync(join(place, "root/var/lib/vitrine-releases"), { recursive: true });
    writeFileSync(join(place, "root/var/lib/vitrine-releases/trial.json"), "{}");
    deliver({});
    expect(update()).toMatchObject({ status: 1, said: expect.stringContaining("on trial") as string });
  });

  test.each<readonly [string, Deb]>([
    ["cannot be configured", { version: "1.1.0", postinst: "exit 1" }],
    ["does not answer", { version: "1.1.0", agent: "hangs" }],
  ])("a version that %s goes back to the one before: 1, and that one runs", (_name, deb) => {
    deliver({ version: "1.0.0" });
    update();
    deliver(deb);
    const { status, said } = update();
    expect(said).toContain("version 1.0.0 runs again");
    expect(status).toBe(1);
    expect(installed()).toBe("installed 1.0.0");
    expect(readFileSync(join(place, "root/usr/share/vitrine-test"), "utf8")).toBe("answers");
  });

  test("where the version before did not come this way, a failure says that the device is left as it is: 1", () => {
    deliver({ version: "1.0.0" });
    update();
    rmSync(join(place, "root/var/cache/vitrine"), { recursive: true });
    deliver({ version: "1.1.0", agent: "hangs" });
    expect(update()).toMatchObject({ status: 1, said: expect.stringContaining("left as it is") as string });
    expect(existsSync(join(place, "root/var/cache/vitrine/installed.deb"))).toBe(false);
  });

  test("while dpkg works the package is kept for a power cut, and only as the way back afterwards", () => {
    const kept = (name: string): string => join(place, "root/var/cache/vitrine", name);
    deliver({ version: "1.0.0", postinst: `[ -s ${kept("wanted.deb")} ]` });
    expect(update()).toMatchObject({ status: 0 });
    expect([existsSync(kept("wanted.deb")), existsSync(kept("installed.deb"))]).toEqual([false, true]);
    deliver({ version: "1.1.0", postinst: "exit 1" });
    expect(update()).toMatchObject({ status: 1 });
    expect([existsSync(kept("wanted.deb")), existsSync(kept("installed.deb"))]).toEqual([false, true]);
  });
});

test("the manifest names the package as a file of the update, before the script that needs it", () => {
  const payloads = [...readFileSync(MANIFEST, "utf8").matchAll(/^- name: (\S+)(?: +# (\S+))?\n {2}type: (\S+)$/gm)].map(([, name, , type]) => `${name} ${type}`);
  expect(payloads).toEqual(["vitrine.deb tmpfile", "vitrine-update script"]);
});
