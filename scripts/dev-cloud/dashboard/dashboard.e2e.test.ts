import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { findTestChromium } from "../../../player-host/shells/testing/find-chromium.ts";
import type { ReportedDocument } from "../../../agent/protocol/reported.ts";
import { reportLeftOut } from "../../check/left-out.ts";
import { checkPage, openBrowser, openPage, type OpenPage } from "./testing/open-page.ts";
import { StageSet } from "./testing/stage-set.ts";
import type { Answer, StagePlan } from "./testing/stage-device.ts";

/** A PNG of one pixel. */
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const HOSTILE = `<img src=x onerror="alert(1)">`;

function reported(verdict: NonNullable<ReportedDocument["screen"]>["verdict"] = "showing"): ReportedDocument {
  const sinceMs = Date.now() - 60_000;
  return {
    agent: { version: "1.2.3", adapter: "simulated", startedMs: sinceMs },
    screen: { verdict, confidence: 0.9, sinceMs, evidence: [{ witness: "frame", says: "a frame arrived <b>just now</b>" }] },
    player: { kind: "playing", shell: "chromium", content: "Menu board", sinceMs },
    display: {
      power: { kind: "ok", value: "on" }, input: { kind: "ok", value: "hdmi-1" }, brightness: { kind: "ok", value: 80 }, mute: { kind: "unsupported" },
      volume: { kind: "unknown", why: "the TV did not answer" }, orientation: { kind: "failed", error: { code: "display.bus", message: "the bus is broken" } },
    },
    desired: { version: 0, keys: { "display.brightness": { status: "failed", error: { code: "display.no-answer", message: "no answer" }, observed: 80, drifts: 3 } } },
  };
}

function powered(on: unknown): Answer {
  return { state: "succeeded", result: { power: on === true ? "on" : "standby" }, effect: { attempted: true, acknowledged: true, observed: { kind: "ok", value: on === true ? "on" : "standby" } } };
}

const PLAN: StagePlan = { reported: reported(), answer: (command) => (command.name === "display.power" ? powered(command.params["on"]) : { state: "succeeded", result: {} }) };

const browserPath = findTestChromium();
if (browserPath === undefined) {
  reportLeftOut("the dashboard in a browser", "no Chromium or Chrome is on this machine");
  describe("dashboard", () => {
    test.skip("no browser is here", () => undefined);
  });
} else {
  describe("dashboard", () => {
    suite(browserPath);
  });
}

function suite(path: string): void {
  let set: StageSet;
  let browser: Browser;
  beforeAll(async () => {
    [set, browser] = await Promise.all([StageSet.open(), openBrowser(path)]);
  });
  afterAll(async () => {
    await browser.close();
    await set.close();
  });

  /** Runs in a new page and fails on anything the browser complained about. */
  async function on(hash: string, run: (page: Page, opened: OpenPage) => Promise<void>, options: Parameters<typeof openPage>[2] = {}): Promise<void> {
    const opened = await openPage(browser, `${set.url}/${hash}`, options);
    try {
      await run(opened.page, opened);
      expect(opened.wrong).toEqual([]);
    } finally {
      await opened.page.context().close();
    }
  }

  test("says that it is for development, and a device can be claimed by keyboard alone", async () => {
    const device = await set.add(PLAN);
    const { pairing } = await set.summary(device.id);
    await on("", async (page) => {
      await page.getByText("Development cloud").waitFor();
      expect(await page.locator("header").innerText()).toContain("for development and tests only");
      await page.getByRole("heading", { name: device.id.slice(0, 8) }).waitFor();
      await page.keyboard.press("c");
      const dialog = page.getByRole("dialog", { name: "Claim a device" });
      await dialog.waitFor();
      // First a wrong code: the error is in the dialog and the focus back in the field.
      await page.keyboard.type("zzzzzz");
      await page.keyboard.press("Enter");
      await dialog.getByRole("alert").getByText(/code/).waitFor();
      expect(await page.evaluate("document.activeElement.name")).toBe("code");
      await page.keyboard.type(pairing?.code.toLowerCase() ?? "");
      await page.keyboard.press("Tab");
      await page.keyboard.type("Lobby left");
      await page.keyboard.press("Enter");
      await dialog.waitFor({ state: "detached" });
      await page.getByRole("heading", { name: "Lobby left" }).waitFor();
      await page.getByRole("status").getByText("Lobby left is yours now.").waitFor();
    }, { refusals: /404 .*\/api\/v1\/claim$/ });
  });

  test("sends display.power and shows its stages and what was observed", async () => {
    const device = await set.add(PLAN, "Power");
    await on(`#/device/${device.id}/commands`, async (page) => {
      await page.getByRole("button", { name: "display.power" }).click();
      const form = page.getByRole("form", { name: "display.power" });
      expect(await form.innerText()).toContain("The display lights up or goes dark.");
      expect(await form.innerText()).toContain("8 s");
      await form.getByRole("radio", { name: "Off" }).check();
      await form.getByRole("button", { name: "Send", exact: true }).click();
      const row = page.locator(".command-row").first();
      await row.locator(".pill").getByText("succeeded").waitFor();
      expect(await row.locator(".stage-name").allInnerTexts()).toEqual(["queued", "sent", "delivered", "running", "succeeded"]);
      expect(await row.locator(".effect").innerText()).toMatch(/Attempted\s+yes\s+Acknowledged\s+yes\s+Observed\s+standby/);
      await page.getByRole("status").getByText("display.power succeeded; observed standby.").waitFor();
      await row.getByRole("button", { name: "Send it again" }).click();
      await row.getByText("attempt 2").waitFor();
    });
  });

  test("disables a command that the device cannot do and says why", async () => {
    const device = await set.add({ ...PLAN, commands: ["reboot"] }, "Poor");
    await on(`#/device/${device.id}/commands`, async (page) => {
      await page.getByRole("button", { name: "display.power" }).click();
      await page.getByText("this device has no display.power").waitFor();
      expect(await page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
    });
  });

  test("keeps typed text when another user saved the document first", async () => {
    const device = await set.add(PLAN, "Desired");
    await set.call("PUT", `/devices/${device.id}/desired`, { document: { display: { brightness: 10 } } });
    await on(`#/device/${device.id}/desired`, async (page) => {
      const editor = page.getByLabel("The document", { exact: true }).and(page.locator("textarea"));
      await page.locator(".box-head").getByText("version 1", { exact: true }).waitFor();
      await editor.fill(`{ "display": { "brightness": 20 } }`);
      await set.call("PUT", `/devices/${device.id}/desired`, { document: { display: { brightness: 30 } } });
      await page.getByText("Version 2 was saved while you edited version 1.").waitFor();
      expect(await editor.inputValue()).toContain("20");
      await page.getByText("Yours differs from it in: display.brightness.").waitFor();
      await page.getByRole("button", { name: "Save mine over version 2" }).click();
      await page.locator(".box-head").getByText("version 3", { exact: true }).waitFor();
    });
    const saved = (await (await set.call("GET", `/devices/${device.id}/desired`)).json()) as { document: unknown };
    expect(saved.document).toEqual({ display: { brightness: 20 } });
  });

  test("names the line for which a document is refused", async () => {
    const device = await set.add(PLAN, "Wrong");
    await on(`#/device/${device.id}/desired`, async (page) => {
      await page.locator(".box-head").getByText("never set").waitFor();
      await page.locator("textarea.editor").fill(`{\n  "display": {\n    "brightness": 400\n  }\n}`);
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText(/^Line 3: .*brightness/).waitFor();
      expect(await page.locator("textarea.editor").getAttribute("aria-invalid")).toBe("true");
    }, { refusals: /400 .*\/desired$/ });
  });

  test("shows hostile names and events as text", async () => {
    const device = await set.add(PLAN, HOSTILE);
    device.device.sendEvents("<script>alert(2)</script>");
    await on(`#/device/${device.id}/activity`, async (page) => {
      await page.getByRole("rowheader", { name: "<script>alert(2)</script>" }).waitFor();
      expect(await page.locator("h1").innerText()).toBe(HOSTILE);
      expect(await page.locator(".evidence").innerText()).toContain("<b>just now</b>");
      expect(await page.locator("img[src='x'], main script").count()).toBe(0);
    });
  });

  test("never shows an offline device as showing", async () => {
    const device = await set.add(PLAN, "Gone");
    await on("", async (page) => {
      const card = page.locator(".card", { has: page.getByRole("heading", { name: "Gone", exact: true }) });
      await card.locator(".pill-good").getByText("showing").waitFor();
      await device.leave();
      await card.getByText(/^unknown \(was showing (?:just now|\d+ s ago)\)$/).waitFor();
      expect(await card.locator(".pill-good").count()).toBe(0);
    });
  });

  test("says that a picture is no longer kept when the server has pruned it", async () => {
    const device = await set.add({ ...PLAN, picture: () => PIXEL }, "Pruned");
    await set.call("POST", `/devices/${device.id}/commands`, { name: "screenshot" });
    await expect.poll(async () => (await set.call("GET", `/devices/${device.id}/screenshot`)).status, { timeout: 20_000 }).toBe(200);
    await on(`#/device/${device.id}/overview`, async (page) => {
      await page.route("**/api/v1/uploads/**", (route) => route.fulfill({ status: 404, json: { error: { code: "upload.unknown", message: "there is no such upload" } } }));
      await page.reload();
      const picture = page.locator(".device-aside .picture");
      await picture.getByText(/^The picture drawn .* is no longer kept$/).waitFor();
      expect(await picture.locator(".picture-age").innerText()).toBe("");
    }, { refusals: /404 .*\/api\/v1\/uploads\// });
  });

  test("presses a button of the simulated hardware and sees an output light up", async () => {
    const device = await set.add(PLAN, "Lab");
    const world = await set.simulate(device);
    const pressed: string[] = [];
    world.onChange(() => {
      if (world.state.gpio.lines["GPIO17"]?.button === "down") pressed.push("GPIO17");
    });
    await on(`#/device/${device.id}/lab`, async (page) => {
      const pin = page.getByRole("button", { name: "GPIO17, pin 11, input low" });
      await pin.focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => pressed.length, { timeout: 5_000 }).toBeGreaterThan(0);
      await page.keyboard.press("ArrowRight");
      expect(await page.evaluate("document.activeElement.dataset.line")).toBe("GPIO18");
      world.updateLine("GPIO27", { direction: "output", driven: 1 });
      await page.getByRole("button", { name: "GPIO27, pin 13, output high" }).waitFor();
      await page.getByRole("radio", { name: "Deaf" }).check();
      await expect.poll(() => world.state.display.mood, { timeout: 5_000 }).toBe("deaf");
      await page.getByRole("switch", { name: /HDMI cable pulled/ }).click();
      await expect.poll(() => world.state.outputs["HDMI-A-1"]?.connected, { timeout: 5_000 }).toBe(false);
      await page.getByText("HDMI pulled", { exact: true }).waitFor();
    });
  });

  test("says that it lost its server, and shows nothing as live until it is back", async () => {
    const device = await set.add(PLAN, "Stale");
    const opened = await openPage(browser, `${set.url}/`);
    const { page } = opened;
    const card = page.locator(".card", { has: page.getByRole("heading", { name: "Stale", exact: true }) });
    await card.getByText("showing", { exact: true }).waitFor();
    await set.restart(async () => {
      await page.getByText("This dashboard lost its server.").waitFor();
      await card.getByText(/^unknown \(was showing/).waitFor();
      expect(await page.locator(".pill-good").count()).toBe(0);
    });
    await device.leave();
    await device.join();
    await page.getByText("This dashboard lost its server.").waitFor({ state: "detached" });
    await card.getByText("showing", { exact: true }).waitFor();
    await page.context().close();
  });

  test("can be used by keyboard: skip link, arrows in the grid, help, dialogs that return the focus", async () => {
    await set.add(PLAN, "A first");
    await set.add(PLAN, "A second");
    await on("", async (page) => {
      await page.getByRole("heading", { name: "A second" }).waitFor();
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.id")).toBe("main");
      await page.locator(".card-link").first().focus();
      const key = await page.evaluate("document.activeElement.dataset.key");
      await page.keyboard.press("ArrowRight");
      expect(await page.evaluate("document.activeElement.dataset.key")).not.toBe(key);
      expect(await page.locator(".card-link[tabindex='0']").count()).toBe(1);
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
      for (let press = 0; press < 6; press += 1) await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null")).toBe(true);
      await page.keyboard.press("Escape");
      expect(await page.evaluate("document.activeElement.classList.contains('card-link')")).toBe(true);
      await page.keyboard.press("Enter");
      await page.getByRole("navigation", { name: "Sections of this device" }).waitFor();
      await page.keyboard.press("2");
      await page.getByRole("heading", { name: "Send a command" }).waitFor();
      await page.keyboard.press("f");
      await page.getByRole("heading", { name: "Fleet" }).waitFor();
    });
  });

  for (const scheme of ["light", "dark"] as const) {
    test(`has names, roles, contrast and no overflow on every page, ${scheme}`, async () => {
      const device = await set.add(PLAN, `Checked ${scheme}`);
      await set.simulate(device);
      device.device.sendRecords("alarm", [{ kind: "alarm", body: { code: "screen.dark", state: "raised", severity: "critical", message: "dark" } }]);
      const wall = Date.now();
      device.device.resend("metric", [1, 2, 3].map((seq) => ({ seq, kind: "telemetry", wall: wall - (4 - seq) * 60_000, mono: seq, body: { intervalMs: 60_000, metrics: { "cpu.percent": { min: 1, mean: 2, max: 3, last: 2, count: 6 } } } })));
      for (const width of [1200, 390]) {
        await on("", async (page) => {
          await page.getByRole("heading", { name: `Checked ${scheme}` }).waitFor();
          expect(await checkPage(page)).toEqual([]);
          for (const [tab, sign] of Object.entries(SIGNS)) {
            await page.goto(`${set.url}/#/device/${device.id}/${tab}`);
            await page.locator(sign).first().waitFor();
            expect({ tab, width, wrong: await checkPage(page) }).toEqual({ tab, width, wrong: [] });
          }
        }, { width, scheme });
      }
    });
  }

  test("does not show a Wi-Fi password, and keeps it when something else is saved", async () => {
    const device = await set.add(PLAN, "Wireless");
    const network = { wifi: { ssid: "Shop", security: "wpa-psk", password: "correct horse" } };
    await set.call("PUT", `/devices/${device.id}/desired`, { document: { network, log: { level: "info" } } });
    await on(`#/device/${device.id}/desired`, async (page) => {
      const text = page.getByRole("textbox", { name: "The document" });
      await expect.poll(() => text.inputValue(), { timeout: 20_000 }).toContain('"ssid": "Shop"');
      expect((await page.content()) + (await text.inputValue())).not.toContain("correct horse");
      await text.fill((await text.inputValue()).replace('"info"', '"debug"'));
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByText("version 2", { exact: true }).waitFor();
    });
    const saved = (await (await set.call("GET", `/devices/${device.id}/desired`)).json()) as { document: unknown };
    expect(saved.document).toEqual({ network, log: { level: "debug" } });
  });

  test("waits for telemetry of a slow server instead of asking again", async () => {
    const device = await set.add(PLAN, "Slow");
    device.device.resend("metric", [{ seq: 1, kind: "telemetry", wall: Date.now() - 60_000, mono: 1, body: { intervalMs: 60_000, metrics: { "cpu.percent": { min: 1, mean: 2, max: 3, last: 2, count: 6 } } } }]);
    await device.device.storedUpTo("metric", 1);
    await on("", async (page) => {
      let loadAll = (): void => undefined;
      const info = new Promise<void>((resolve) => (loadAll = resolve));
      const answers: (() => void)[] = [];
      await page.route("**/api/v1/info", async (route) => {
        await info;
        await route.continue();
      });
      await page.route("**/telemetry/metrics", async (route) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        await route.continue();
      });
      await page.clock.install();
      // The requests' own deadline runs by real time, which is not this test's.
      await page.addInitScript("AbortSignal.timeout = () => new AbortController().signal");
      // A document of its own: another hash alone would keep the one before, which would ask too.
      await page.goto("about:blank");
      await page.goto(`${set.url}/#/device/${device.id}/telemetry`);
      await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(1);
      await page.getByRole("heading", { name: "Slow", exact: true }).waitFor();
      // The store loads everything after its first `hello`, and tells the views to load again when it has: here, during the question.
      const whole = page.waitForResponse(`**/api/v1/devices/${device.id}`, { timeout: 30_000 });
      loadAll();
      await (await whole).finished();
      await page.clock.runFor(15_000);
      expect(answers).toHaveLength(1);
      answers[0]?.();
      await page.locator(".chart-picture").waitFor();
      // What was asked for in the meantime follows the answer at once.
      await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(2);
    });
  });

  test("folds a command's long arguments, and shows the release with how its updates ended", async () => {
    const software = {
      running: "1.1.0", confirmed: "1.1.0", lastConfirmed: { version: "1.1.0", job: "c-1" },
      lastFailed: { version: "1.2.0", job: "c-2", code: "update.went-back", message: "the screen was dark for 60 s" },
    };
    const device = await set.add({ reported: { ...reported(), software } }, "Updated");
    const files = { url: `http://127.0.0.1/releases/${"vitrine".repeat(20)}.deb`, bytes: 30_000_000, sha256: "a".repeat(64) };
    const payload = JSON.stringify({ manifest: 1, version: "1.3.0", packages: { amd64: files, arm64: files } });
    const sent = await set.call("POST", `/devices/${device.id}/commands`, { name: "software.update", params: { release: { payload, key: "0".repeat(32), signature: `${"s".repeat(85)}A` }, holdSeconds: 60 } });
    expect(await sent.text()).toContain("software.update");
    for (const width of [1280, 390]) {
      await on(`#/device/${device.id}/commands`, async (page) => {
        const about = page.getByRole("region", { name: "About this device" });
        await about.getByText("1.1.0, confirmed", { exact: true }).waitFor();
        expect(await about.innerText()).toMatch(/1\.1\.0 was confirmed\s+1\.2\.0 went back: the screen was dark for 60 s \(update\.went-back\)/);
        const row = page.locator(".command-row").first();
        await row.locator("summary").first().click();
        const shown = row.locator("details", { hasText: "Arguments" });
        expect(await shown.locator("pre").isVisible()).toBe(false);
        await shown.locator("summary").click();
        await shown.getByText("1.3.0").waitFor();
        // Nothing is wider than the row, folded or not, and nothing hides behind a horizontal scroll bar.
        const tooWide = `[...document.querySelectorAll(".command-row, .command-row *")].filter((part) => !part.matches(".clip") && part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline").map((part) => part.className || part.tagName)`;
        expect(await page.evaluate(tooWide)).toEqual([]);
        expect(await checkPage(page)).toEqual([]);
      }, { width });
    }
  });

  test("a chart can be read with arrow keys", async () => {
    const device = await set.add(PLAN, "Charts");
    const wall = Date.now();
    device.device.resend("metric", [1, 2, 3].map((seq) => ({ seq, kind: "telemetry", wall: wall - (4 - seq) * 60_000, mono: seq, body: { intervalMs: 60_000, metrics: { "cpu.percent": { min: 1, mean: seq * 10, max: 50, last: 2, count: 6 } } } })));
    await device.device.storedUpTo("metric", 3);
    await on(`#/device/${device.id}/telemetry`, async (page) => {
      const chart = page.getByRole("slider", { name: "CPU over time" });
      await expect.poll(() => chart.getAttribute("aria-valuemax"), { timeout: 20_000 }).toBe("2");
      await chart.focus();
      expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 30 % \(1 % – 50 %, 6 samples\)$/);
      await page.keyboard.press("ArrowLeft");
      expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 20 %/);
      // When the charts reload with another metric before this one, focus and position stay.
      device.device.resend("metric", [{ seq: 4, kind: "telemetry", wall: wall - 1_000, mono: 4, body: { intervalMs: 60_000, metrics: { "audio.percent": { min: 1, mean: 1, max: 1, last: 1, count: 1 } } } }]);
      await device.device.storedUpTo("metric", 4);
      await page.evaluate('document.activeElement.setAttribute("data-read", "here")');
      await expect.poll(() => page.locator(".chart-picture").count(), { timeout: 20_000 }).toBe(2);
      expect(await page.evaluate('document.activeElement.getAttribute("data-read")')).toBe("here");
      expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 20 %/);
    });
  });
}

/** A selector that appears once the section is rendered. */
const SIGNS: Readonly<Record<string, string>> = {
  overview: ".reading-failed", commands: ".command-form", desired: ".quick-grid", telemetry: ".chart-picture", activity: ".activity tbody tr", files: ".panel .empty", lab: ".tv",
};
