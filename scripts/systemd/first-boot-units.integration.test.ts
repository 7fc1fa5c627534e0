import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!hasSystemd) reportLeftOut("the ratings of the units of the first boot", "systemd-analyze is not there");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-units-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In tenths, as systemd-analyze takes its threshold. */
test.skipIf(!hasSystemd).each([["vitrine-provision.service", "", 15], ["vitrine-setup@.service", "10.42.0.1", 10], ["vitrine-country@.service", "DE", 20], ["vitrine-certificate@.service", "shop-7", 15]])("%s (%s) is rated at most %i tenths", (unit, instance, threshold) => {
  const path = join(folder, unit.replace("@", `@${instance}`));
  copyFileSync(join(import.meta.dirname, unit), path);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", `--threshold=${threshold}`, path], { encoding: "utf8" });
  expect({ status, said: status === 0 ? "" : stdout.slice(-300) + stderr }).toEqual({ status: 0, said: "" });
});

test("the country's unit switches Wi-Fi on in the kernel, and no other radio", () => {
  const script = /^ExecStart=-\/bin\/sh -c '(.*)'$/m.exec(readFileSync(join(import.meta.dirname, "vitrine-country@.service"), "utf8"))?.[1] ?? "";
  const radios = join(folder, "rfkill");
  for (const [name, type] of [["rfkill0", "bluetooth"], ["rfkill1", "wlan"], ["rfkill2", "wlan"]] as const) {
    mkdirSync(join(radios, name), { recursive: true });
    writeFileSync(join(radios, name, "type"), `${type}\n`);
    writeFileSync(join(radios, name, "soft"), "1\n");
  }
  // systemd reads two dollars as one.
  const run = (): unknown => spawnSync("sh", ["-c", script.replaceAll("$$", "$").replace("/sys/class/rfkill", radios)], { encoding: "utf8" });
  expect(run()).toMatchObject({ status: 0, stderr: "" });
  expect(["rfkill0", "rfkill1", "rfkill2"].map((name) => readFileSync(join(radios, name, "soft"), "utf8"))).toEqual(["1\n", "0\n", "0\n"]);
});

/** What the polkit rule answers; `undefined`: nothing, and polkit's default applies. */
function asked(user: string, id: string, details: Readonly<Record<string, string>> = {}): unknown {
  let rule: ((action: object, subject: object) => unknown) | undefined;
  const polkit = { Result: { YES: "yes" }, addRule: (added: typeof rule) => (rule = added) };
  runInNewContext(readFileSync(join(import.meta.dirname, "50-vitrine.rules"), "utf8"), { polkit });
  return rule?.({ id, lookup: (name: string) => details[name] ?? "" }, { user });
}

test("the agent may start and stop the door of the portal, set country and time zone, and nothing near them", () => {
  const unit = (name: string, verb = "start", user = "vitrine-agent"): unknown => asked(user, "org.freedesktop.systemd1.manage-units", { unit: name, verb });
  for (const name of ["vitrine-setup@10.42.0.1.socket", "vitrine-country@DE.service", "vitrine-certificate@shop-7.service"]) {
    expect([unit(name), unit(name, "stop"), unit(name, "restart"), unit(name, "start", "vitrine-player")], name).toEqual(["yes", "yes", undefined, undefined]);
  }
  for (const name of ["vitrine-setup@0.0.0.0.socket", "vitrine-setup@10.42.1.1.socket", "vitrine-setup@192.168.1.1.socket", "vitrine-setup@10.42.0.1.service", "vitrine-country@DEU.service", "vitrine-country@../x.service", "vitrine-certificate@../x.service", "vitrine-certificate@Shop.service", "vitrine-provision.service", "ssh.service", "x-vitrine-country@DE.service"]) {
    expect(unit(name), name).toBeUndefined();
  }
  expect([asked("vitrine-agent", "org.freedesktop.timedate1.set-timezone"), asked("vitrine-agent", "org.freedesktop.timedate1.set-time")]).toEqual(["yes", undefined]);
});
