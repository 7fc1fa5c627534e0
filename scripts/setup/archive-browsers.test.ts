import { expect, test } from "vitest";
import { archiveBrowsers } from "./archive-browsers.ts";
import { FakeMachine, type Facts } from "./testing/fake-machine.ts";

const LISTS = "/var/lib/apt/lists";
const OLD = "/cache/chromium-150.0.7871.100";
const OLD_BINARY = `${OLD}/usr/lib/chromium/chromium`;
const MADISON = `  chromium | 156.0.8078.108-1~deb12u1 | http://deb.example/debian-security bookworm-security/main amd64 Packages
  chromium | 150.0.7871.100-1~deb12u1 | http://deb.example/debian bookworm/main amd64 Packages
  chromium | 149.0.7000.100-1~deb12u1 | http://deb.example/debian bookworm/main Sources
`;
const download = "/usr/bin/apt-get download -q chromium=150.0.7871.100-1~deb12u1 chromium-common=150.0.7871.100-1~deb12u1";

function machine(facts: Facts & { readonly unpacksTo?: string; readonly satisfied?: string }): FakeMachine {
  const onRun: Facts["onRun"] = (line, self) => {
    if (line.startsWith("/usr/bin/apt-cache madison")) return { code: 0, stdout: MADISON };
    if (line.startsWith("/usr/bin/dpkg-deb -f")) return { code: 0, stdout: line.includes("common") ? "libc6 (>= 2.36)\n" : "libgbm1 (>= 17), chromium-common (= 150.0), libx11-6 | libx11\n" };
    if (line.startsWith("/usr/bin/dpkg-deb -x")) self.programs.set(OLD_BINARY, facts.unpacksTo ?? "Chromium 150.0.7871.100");
    if (line.startsWith("/usr/bin/apt-get satisfy")) self.programs.set(OLD_BINARY, facts.satisfied ?? "fails");
    return 0;
  };
  return new FakeMachine({
    isRoot: true,
    programs: { "/usr/bin/apt-cache": "apt", "/usr/bin/apt-get": "apt" },
    folders: { [LISTS]: ["x_Packages"], [OLD]: ["a.deb", "chromium-common.deb"] },
    agesMs: { [LISTS]: 0, [`${LISTS}/partial`]: 0 },
    onRun,
    ...facts,
  });
}

test("every version in the archives other than the installed one is unpacked beside it, once", async () => {
  const here = machine({});
  const { browsers, missing } = await archiveBrowsers(here, "/cache", "156.0.8078.108");
  expect([browsers, missing]).toEqual([[{ kind: "chromium", path: OLD_BINARY, version: "150.0.7871.100", evidence: "version 150.0.7871.100 of the package archive, unpacked" }], []]);
  expect(here.ran).toContain(download);
  expect(here.ran.filter((line) => line.includes(" install "))).toEqual([]);
  const before = here.ran.length;
  expect((await archiveBrowsers(here, "/cache", "156.0.8078.108")).browsers).toEqual(browsers);
  expect(here.ran.slice(before)).toEqual(["/usr/bin/apt-cache madison chromium"]);
});

test("the shared libraries that it needs are installed, but not its own packages", async () => {
  const here = machine({ unpacksTo: "fails", satisfied: "Chromium 150.0.7871.100" });
  expect((await archiveBrowsers(here, "/cache", "156.0.8078.108")).browsers).toHaveLength(1);
  expect(here.ran.at(-1)).toBe("/usr/bin/apt-get satisfy -y -q --no-install-recommends libgbm1 (>= 17), libx11-6 | libx11, libc6 (>= 2.36)");
});

test.each([
  ["cannot be downloaded", { onRun: (line: string) => (line.includes("madison") ? { code: 0, stdout: MADISON } : 100) }, "it could not be downloaded; apt-get's message is above"],
  ["does not start after all", { unpacksTo: "fails" }, "it does not start, with its shared libraries installed"],
  ["does not start for another user", { unpacksTo: "fails", isRoot: false }, "it does not start; the shared libraries it needs can be installed by root"],
])("one that %s is reported as missing, with the reason", async (_what, facts, why) => {
  expect(await archiveBrowsers(machine(facts), "/cache", "156.0.8078.108")).toEqual({ browsers: [], missing: [{ version: "150.0.7871.100", why }] });
});

test("a machine without apt has none, and no program is run", async () => {
  const here = machine({ programs: {} });
  expect(await archiveBrowsers(here, "/cache", "156.0.8078.108")).toEqual({ browsers: [], missing: [] });
  expect(here.ran).toEqual([]);
});
