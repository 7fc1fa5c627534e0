import { expect, test } from "vitest";
import type { PassedOver } from "../../player-host/contract/browser-report.ts";
import type { FoundBrowser } from "../setup/found-browser.ts";
import { BrowserChoice, TRY_AGAIN_AFTER_MS } from "./browser-choice.ts";

const ELECTRON: FoundBrowser = { kind: "electron", path: "/e", version: "45.4.1", evidence: "here" };
const CHROMIUM: FoundBrowser = { kind: "chromium", path: "/c", version: "156.0", evidence: "found on this machine" };

function world() {
  const kept: { text: string | undefined } = { text: undefined };
  const said: string[] = [];
  let nowMs = 1_000_000;
  const open = async (browsers: readonly FoundBrowser[], forced = false) => {
    const passedOver: PassedOver[] = [];
    const memory = { read: () => kept.text, write: (text: string) => void (kept.text = text) };
    const choice = await BrowserChoice.open({ candidates: inOrder(browsers), passedOver, forced, memory, nowMs: () => nowMs, say: (line) => said.push(line) });
    if (choice === undefined) throw new Error("no browser");
    return choice;
  };
  return { open, kept, said, later: (ms: number) => (nowMs += ms) };
}

async function* inOrder(browsers: readonly FoundBrowser[]): AsyncGenerator<FoundBrowser, void, undefined> {
  for (const browser of browsers) yield await Promise.resolve(browser);
}

test("the next browser takes over, and the reason is printed and kept with the choice", async () => {
  const { open, said } = world();
  const choice = await open([ELECTRON, CHROMIUM]);
  expect(choice.current).toEqual({ browser: ELECTRON, passedOver: [] });
  await choice.failed(ELECTRON, "no picture within 30 s");
  expect(choice.current).toEqual({ browser: CHROMIUM, passedOver: [{ name: "electron 45.4.1", why: "no picture within 30 s" }] });
  expect(said).toEqual(["electron 45.4.1 has shown no picture: no picture within 30 s. chromium 156.0 takes over (found on this machine)."]);
});

test("two devices that find the same fault change browsers once", async () => {
  const { open, said } = world();
  const choice = await open([ELECTRON, CHROMIUM]);
  await Promise.all([choice.failed(ELECTRON, "a"), choice.failed(ELECTRON, "b")]);
  await choice.failed(ELECTRON, "c");
  expect(choice.current.browser).toBe(CHROMIUM);
  expect(said).toHaveLength(1);
});

test("a browser that has proved itself is reported once and never replaced", async () => {
  const { open, said } = world();
  const choice = await open([ELECTRON, CHROMIUM]);
  choice.proved(ELECTRON, 2_340);
  choice.proved(ELECTRON, 9_000);
  expect(said).toEqual(["First picture after 2.3 s, browser electron 45.4.1"]);
  await choice.failed(ELECTRON, "it ended twice");
  expect(choice.current).toEqual({ browser: ELECTRON, passedOver: [] });
});

test("the last browser stays, and so does the one named on the command line", async () => {
  const { open, said } = world();
  const last = await open([CHROMIUM]);
  await last.failed(CHROMIUM, "nothing");
  expect(last.current).toMatchObject({ browser: CHROMIUM });
  const forced = await open([ELECTRON, CHROMIUM], true);
  await forced.failed(ELECTRON, "nothing");
  expect(forced.current.browser).toBe(ELECTRON);
  expect(said.map((line) => line.split(". ")[1])).toEqual(["There is no other browser, so it keeps trying.", "It was named on the command line, so no other one takes over."]);
});

test("a failed browser is not tried again for hours, unless its version changed or it is named on the command line", async () => {
  const { open, later } = world();
  await (await open([ELECTRON, CHROMIUM])).failed(ELECTRON, "no picture within 30 s");
  const next = await open([ELECTRON, CHROMIUM]);
  expect(next.current).toMatchObject({ browser: CHROMIUM, passedOver: [{ name: "electron 45.4.1", why: expect.stringContaining("no picture within 30 s") as string }] });
  const newer = { ...ELECTRON, version: "46.0.0" };
  expect((await open([newer, CHROMIUM])).current.browser).toBe(newer);
  expect((await open([ELECTRON], true)).current.browser).toBe(ELECTRON);
  later(TRY_AGAIN_AFTER_MS);
  expect((await open([ELECTRON, CHROMIUM])).current.browser).toBe(ELECTRON);
});

test("if every browser failed before, the best one is used anyway", async () => {
  const { open } = world();
  const first = await open([ELECTRON, CHROMIUM]);
  await first.failed(ELECTRON, "a");
  await first.failed(CHROMIUM, "b");
  const again = (await open([ELECTRON, CHROMIUM])).current;
  expect([again.browser, again.passedOver.map(({ name }) => name)]).toEqual([ELECTRON, ["chromium 156.0"]]);
});

test("a browser that proves itself later is forgiven", async () => {
  const { open } = world();
  const first = await open([CHROMIUM]);
  await first.failed(CHROMIUM, "slow");
  const second = await open([CHROMIUM]);
  second.proved(CHROMIUM, 40_000);
  expect((await open([CHROMIUM])).current).toEqual({ browser: CHROMIUM, passedOver: [] });
});

test.each(["", "nonsense", "[]", '{"failures":{}}', '{"failures":[1,{"path":"/e"}]}'])("a memory of %j counts as empty", async (text) => {
  const { open, kept } = world();
  kept.text = text;
  expect((await open([ELECTRON])).current.browser).toBe(ELECTRON);
});
