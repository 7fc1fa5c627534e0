import { describe, expect, test } from "vitest";
import { browserCandidates, findChromium, findForced } from "./find-browser.ts";
import { FakeMachine, type Facts } from "./testing/fake-machine.ts";

const ELECTRON = "/tree/node_modules/electron/dist/electron";

function options(facts: Facts) {
  const machine = new FakeMachine(facts);
  return { root: "/tree", install: true, machine };
}

async function candidates(facts: Facts) {
  const find = options(facts);
  const passedOver: string[] = [];
  const found: string[] = [];
  for await (const { kind, version, path } of browserCandidates(find, ({ name, why }) => passedOver.push(`${name}: ${why}`))) found.push(`${kind} ${version} ${path}`);
  return { found, passedOver, machine: find.machine };
}

describe("the candidates are", () => {
  test("Electron if its binary exists, then each Chrome and Chromium once, whatever names lead to it", async () => {
    const programs = { [ELECTRON]: "v45.4.1", "/usr/bin/chromium": "Chromium 156.0.1.2", "/opt/bin/chromium": "Chromium 156.0.1.2", "/opt/bin/google-chrome": "Google Chrome 155.1.1.1" };
    const { found } = await candidates({ programs, links: { "/opt/bin/chromium": "/usr/bin/chromium" } });
    expect(found).toEqual([`electron 45.4.1 ${ELECTRON}`, "chromium 156.0.1.2 /usr/bin/chromium", "chromium 155.1.1.1 /opt/bin/google-chrome"]);
  });

  test("looked for one at a time: nothing is installed while another one is left to try", async () => {
    const { options: find } = { options: options({ isRoot: true, programs: { [ELECTRON]: "v45.4.1", "/usr/bin/apt-get": "apt" } }) };
    const first = await browserCandidates(find, () => undefined).next();
    expect(first.value).toMatchObject({ kind: "electron" });
    expect(find.machine.ran).toEqual([]);
  });

  test("Chromium if Electron is not available, with the reason", async () => {
    const { found, passedOver } = await candidates({ programs: { "/usr/bin/chromium": "Chromium 156.0.1.2" } });
    expect(found).toEqual(["chromium 156.0.1.2 /usr/bin/chromium"]);
    expect(passedOver).toEqual(["electron: Electron's npm package is not installed."]);
  });

  test("Debian's package if everything else is missing or was tried", async () => {
    const onRun: Facts["onRun"] = (_line, machine) => Number(!machine.programs.set("/usr/bin/chromium", "Chromium 156.0"));
    const { found, machine } = await candidates({ isRoot: true, programs: { [ELECTRON]: "v45.4.1", "/usr/bin/apt-get": "apt 3.0" }, onRun });
    expect(found).toEqual([`electron 45.4.1 ${ELECTRON}`, "chromium 156.0 /usr/bin/chromium"]);
    expect(machine.said).toContain("No browser here: installing Debian's chromium package (once) …");
  });

  test("only the one in VITRINE_BROWSER, Electron or not, even if it does not work", async () => {
    const programs = { [ELECTRON]: "v45.4.1", "/usr/bin/chromium": "Chromium 156.0.1.2", "/my/electron": "v46.0.0" };
    expect((await candidates({ env: { VITRINE_BROWSER: "/my/electron" }, programs })).found).toEqual(["electron 46.0.0 /my/electron"]);
    const broken = await candidates({ env: { VITRINE_BROWSER: "/my/other" }, programs });
    expect([broken.found, broken.passedOver]).toEqual([[], ["VITRINE_BROWSER: VITRINE_BROWSER names /my/other, where there is no program."]]);
  });
});

describe("--browser", () => {
  const programs = { [ELECTRON]: "v45.4.1", "/usr/bin/chromium": "Chromium 156.0.1.2", "/my/chrome": "Google Chrome 150.1.2.3" };

  test.each([
    ["electron", { kind: "electron", path: ELECTRON }],
    ["chromium", { kind: "chromium", path: "/usr/bin/chromium" }],
    ["/my/chrome", { kind: "chromium", path: "/my/chrome", version: "150.1.2.3", evidence: "named with --browser" }],
  ])("%s selects that one", async (wanted, value) => {
    expect(await findForced(wanted, options({ programs }))).toMatchObject({ ok: true, value });
  });

  test.each([
    ["/my/other", "--browser names /my/other, where there is no program."],
    ["/my/broken", "--browser names /my/broken, which does not answer --version with a version."],
  ])("is refused for %s, which is not a browser, with the reason", async (wanted, message) => {
    const found = await findForced(wanted, options({ programs: { ...programs, "/my/broken": "fails" } }));
    expect(found).toMatchObject({ ok: false, error: { code: "browser.not-usable", message } });
  });
});

describe("a Chromium for the tests is", () => {
  test("only the one in VITRINE_BROWSER, even if it does not work", async () => {
    const programs = { "/usr/bin/chromium": "Chromium 156.0", "/my/chrome": "Google Chrome 150.1.2.3" };
    expect(await findChromium(options({ env: { VITRINE_BROWSER: "/my/chrome" }, programs }))).toMatchObject({ ok: true, value: { path: "/my/chrome", version: "150.1.2.3" } });
    expect(await findChromium(options({ env: { VITRINE_BROWSER: "/my/other" }, programs }))).toMatchObject({ ok: false, error: { code: "browser.not-usable" } });
  });

  test("not a stub that reports no version", async () => {
    const find = options({ programs: { "/usr/bin/chromium-browser": "fails", "/usr/bin/google-chrome": "Google Chrome 150.1" } });
    expect(await findChromium(find)).toMatchObject({ ok: true, value: { path: "/usr/bin/google-chrome" } });
  });

  test("asked for its version once, and again when its file has changed", async () => {
    const ages: Record<string, number> = { "/usr/bin/chromium": 60_000 };
    const programs = { "/usr/bin/chromium": "Chromium 150.0.1.2" };
    const find = options({ programs, agesMs: ages });
    expect(await findChromium(find)).toMatchObject({ ok: true, value: { version: "150.0.1.2" } });
    find.machine.programs.set("/usr/bin/chromium", "Chromium 156.0.1.2");
    expect(await findChromium(find)).toMatchObject({ ok: true, value: { version: "150.0.1.2" } });
    ages["/usr/bin/chromium"] = 30_000;
    expect(await findChromium(find)).toMatchObject({ ok: true, value: { version: "156.0.1.2" } });
  });

  test("asked for its version only once if it was named, too", async () => {
    const find = options({ programs: { "/my/chrome": "Google Chrome 150.1.2.3" }, agesMs: { "/my/chrome": 60_000 }, env: { VITRINE_BROWSER: "/my/chrome" } });
    expect(await findForced("/my/chrome", find)).toMatchObject({ ok: true, value: { version: "150.1.2.3" } });
    find.machine.programs.set("/my/chrome", "not asked again");
    expect(await findForced("/my/chrome", find)).toMatchObject({ ok: true, value: { version: "150.1.2.3" } });
    expect(await findChromium(find)).toMatchObject({ ok: true, value: { version: "150.1.2.3" } });
  });

  test("an application on a Mac", async () => {
    const path = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    expect(await findChromium(options({ platform: "darwin", programs: { [path]: "Google Chrome 150.1" } }))).toMatchObject({ ok: true, value: { path } });
  });

  test.each([
    ["another user", { isRoot: false, programs: { "/usr/bin/apt-get": "apt" } }, true],
    ["a system without apt-get", { isRoot: true }, true],
    ["a caller that does not want it", { isRoot: true, programs: { "/usr/bin/apt-get": "apt" } }, false],
    ["a Mac", { isRoot: true, programs: { "/usr/bin/apt-get": "apt" }, platform: "darwin" as const }, true],
  ])("not installed for %s, who gets the remedy", async (_who, facts, install) => {
    const find = options(facts);
    const found = await findChromium({ ...find, install });
    expect(found).toMatchObject({ ok: false, error: { code: "browser.missing" } });
    expect(found.ok ? "" : found.error.hint).toContain("VITRINE_BROWSER");
    expect(find.machine.ran).toEqual([]);
  });
});
