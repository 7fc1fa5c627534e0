import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { judgeScreen } from "../../../agent/core/screen/screen-verdict.ts";
import type { CompositorOutput } from "../../../platform/ports/compositor.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { HostMessage } from "../../contract/link-messages.ts";
import { FRAME_TIMEOUT_MS, PATIENCE_MS } from "../../stage/picture-watch.ts";
import type { PixelSample } from "../../stage/shell.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { findTestChromiums } from "../testing/find-chromium.ts";
import { exitOf, findRoomRoot, ROOT_BROWSER, roomBrowser, versionInRoom, WaylandRoom, type RoomBrowser } from "../testing/wayland-room.ts";
import { browsersOn, freeProfile } from "./profile-guard.ts";
import { silentLog } from "../../../platform/ports/log.ts";

const root = findRoomRoot();
if (root === undefined) reportLeftOut("the player host under a real Wayland compositor", "its Debian 13 has not been made; as root on Debian, npm test makes it");
const another = root === undefined ? undefined : anotherVersion(root);

/** Green, with a moving heading in the middle, and a beat that says what the page sees. It hangs on demand. */
const PAGE = `<!doctype html><body style="margin:0;background:rgb(20,120,60)"><h1 id="n" style="margin:200px">0</h1><script>
  const born = Math.random().toString(36).slice(2);
  let frames = 0;
  const draw = () => { n.textContent = ++frames; requestAnimationFrame(draw); };
  draw();
  setInterval(() => vitrine.emit("beat", { born, frames, width: innerWidth, height: innerHeight, visible: document.visibilityState }).catch(console.warn), 500);
  vitrine.onMessage(() => { for (;;); });
</script>`;
const GREEN = [20, 120, 60];
const BLACK = [0, 0, 0];
const OFF = "HEADLESS-1 is off";
const REPAIRED = "ending the renderer: its picture is frozen";
const WAIT_MS = 120_000;
/** By then a needless repair would have begun: the agent hears of checks only when they find something else. */
const REPAIR_MS = PATIENCE_MS + 2 * FRAME_TIMEOUT_MS;
/** The compositor is asked every two seconds whether an output is enabled. */
const FEW_LOOKS_MS = 5_000;

interface Beat {
  readonly born: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly visible: string;
}
type Seen = Extract<HostMessage, { t: "stage" }>;

describe.skipIf(root === undefined).each(another === undefined ? [ROOT_BROWSER] : [ROOT_BROWSER, another])("the player host under labwc with $name", { timeout: 400_000 }, (browser) => {
  let server: Server;
  let url: string;
  let room: WaylandRoom;
  let agent: FakeAgent;
  let dataDir: string;

  beforeAll(async () => {
    server = createServer((_request, response) => response.writeHead(200, { "content-type": "text/html" }).end(PAGE));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  beforeEach(async () => {
    room = new WaylandRoom(root ?? "", browser);
    dataDir = room.folder("data");
    const socket = join(dataDir, "run/player.sock");
    agent = new FakeAgent(socket, { kind: "content", content: { kind: "url", id: "page", url, grants: ["events"] } });
    await agent.start();
    room.open(socket);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail" && existsSync(logFile())) process.stderr.write(log());
    await agent.stop();
    await freeProfile(profile(), silentLog);
    await room.close();
  });

  const profile = (): string => join(dataDir, "player", "chromium");
  const logFile = (): string => join(dataDir, "logs", "player.log");
  const log = (): string => readFileSync(logFile(), "utf8");
  const stages = (from: number): readonly Seen[] => agent.heard.slice(from).filter((message): message is Seen => message.t === "stage");
  const now = (): number => agent.heard.length;
  const seen = (from: number, fits: (message: Seen) => boolean): Promise<Seen> => agent.hears("stage", from, fits, WAIT_MS);
  const showing = (from: number): Promise<Seen> => seen(from, ({ picture }) => picture.verdict === "showing");
  const dark = (from: number): Promise<Seen> => seen(from, ({ picture }) => picture.verdict === "dark" && picture.outputOff !== undefined);
  async function beat(from: number, fits: (beat: Beat) => boolean = () => true): Promise<Beat> {
    const event = await agent.hears("page-event", from, ({ data }) => fits(data as unknown as Beat), WAIT_MS);
    return event.data as unknown as Beat;
  }
  async function power(output: string, state: "on" | "off"): Promise<void> {
    expect(await room.compositor.setPower(output, state)).toMatchObject({ ok: true });
  }
  async function sizeOf(name: string): Promise<{ width: number; height: number }> {
    const found = (await outputs()).find((output) => output.name === name);
    if (found?.mode.kind !== "ok") throw new Error(`${name} has no mode`);
    return found.mode.value;
  }
  async function outputs(): Promise<readonly CompositorOutput[]> {
    const answer = await room.compositor.outputs();
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  }
  /** Waits until grim shows the page up to all four corners. */
  async function fillsGlass(output: string, size: { readonly width: number; readonly height: number }): Promise<void> {
    await vi.waitFor(async () => {
      const picture = await room.capture(output);
      expect([picture.width, picture.height]).toEqual([size.width, size.height]);
      expect(cornersOf(picture)).toEqual([GREEN, GREEN, GREEN, GREEN]);
    }, { timeout: WAIT_MS, interval: 1_000 });
  }

  test("switched off by plan, nothing is repaired and dark is expected; switched on, the same page shows; a hang in the dark is found", async () => {
    await room.start();
    room.host(dataDir);
    await showing(0);
    const size = await sizeOf("HEADLESS-1");
    await fillsGlass("HEADLESS-1", size);
    const { born } = await beat(0, ({ width, height }) => width === size.width && height === size.height);

    await power("HEADLESS-1", "off");
    const first = await dark(now());
    const offFrom = now();
    expect(first.picture.outputOff).toBe(OFF);
    await room.pause(REPAIR_MS);
    expect(stages(offFrom).filter(({ picture }) => picture.verdict !== "dark")).toEqual([]);
    const asleep = await beat(now());
    expect(asleep).toMatchObject({ born, visible: "visible" });
    const present = { kind: "present", silentMs: 0, picture: stages(0).at(-1)?.picture ?? first.picture } as const;
    expect(judgeScreen({ expectation: { expect: "off", why: "the schedule says off" }, player: present }).verdict).toBe("dark-expected");
    expect(judgeScreen({ expectation: { expect: "on", why: "nothing asks for a dark screen" }, player: present })).toMatchObject({ verdict: "dark", evidence: expect.arrayContaining([{ witness: "output", says: `output off: ${OFF}, says the compositor` }]) as unknown });
    await expect(room.capture("HEADLESS-1")).rejects.toThrow("grim ended with code 1");
    expect(await agent.request({ do: "screenshot", format: "png", widthMax: 320 })).toMatchObject({ ok: true, result: { width: 320, outputOff: OFF } });

    const onFrom = now();
    await power("HEADLESS-1", "on");
    await showing(onFrom);
    expect((await beat(onFrom, ({ frames }) => frames > asleep.frames + 30)).born).toBe(born);
    await fillsGlass("HEADLESS-1", size);

    await power("HEADLESS-1", "off");
    await dark(now());
    expect(log()).not.toContain(REPAIRED);
    const hangFrom = now();
    expect(await agent.request({ do: "page-message", message: "hang" })).toMatchObject({ ok: true });
    const next = await beat(hangFrom, (late) => late.born !== born);
    await seen(now(), ({ picture }) => picture.evidence.some(({ says }) => says.includes("the renderer answers a capture")));
    expect(stages(hangFrom).filter(({ picture }) => picture.verdict !== "dark")).toEqual([]);
    expect(log()).toContain(REPAIRED);
    const backFrom = now();
    await power("HEADLESS-1", "on");
    await showing(backFrom);
    expect((await beat(backFrom)).born).toBe(next.born);
  });

  test("a browser started while its output is off fills the glass when it comes on, also turned, and again after it was killed", async () => {
    await room.start();
    await power("HEADLESS-1", "off");
    room.host(dataDir);
    await dark(0);
    const small = await beat(0);
    const size = await sizeOf("HEADLESS-1");
    // The trap: labwc gives a window without an output no full screen.
    expect([small.width, small.height]).not.toEqual([size.width, size.height]);
    const onFrom = now();
    await power("HEADLESS-1", "on");
    await beat(onFrom, ({ width, height }) => width === size.width && height === size.height);
    await showing(onFrom);
    await fillsGlass("HEADLESS-1", size);

    const turnFrom = now();
    expect(await room.compositor.setOrientation("HEADLESS-1", 90)).toMatchObject({ ok: true });
    const turned = { width: size.height, height: size.width };
    await beat(turnFrom, ({ width, height }) => width === turned.width && height === turned.height);
    await fillsGlass("HEADLESS-1", turned);
    await power("HEADLESS-1", "off");
    await dark(now());
    await power("HEADLESS-1", "on");
    await showing(now());
    await fillsGlass("HEADLESS-1", turned);

    const killFrom = now();
    for (const pid of await browsersOn(profile())) process.kill(pid, "SIGKILL");
    await seen(killFrom, ({ picture }) => picture.verdict === "dark" && picture.outputOff === undefined);
    expect(cornersOf(await room.capture("HEADLESS-1"))).toEqual([BLACK, BLACK, BLACK, BLACK]);
    await showing(now());
    await fillsGlass("HEADLESS-1", turned);
  });

  // Here the compositor and the player host decide, not the browser, so once is enough.
  if (browser === ROOT_BROWSER) test("without any enabled output the browser waits, says why, and comes when one is enabled", async () => {
    await room.start();
    await succeeds("wlr-randr", "--output", "HEADLESS-1", "--off");
    room.host(dataDir);
    const waiting = await dark(0);
    expect(waiting).toMatchObject({ stage: { kind: "failed", error: expect.stringContaining("it starts when an output is enabled: HEADLESS-1 is disabled") as string }, picture: { outputOff: "HEADLESS-1 is disabled" } });
    await room.pause(FEW_LOOKS_MS);
    expect(await browsersOn(profile())).toEqual([]);
    await succeeds("wlr-randr", "--output", "HEADLESS-1", "--on");
    await showing(now());
    await fillsGlass("HEADLESS-1", await sizeOf("HEADLESS-1"));
  });

  test("of two outputs the one that shows the page decides; when it goes, the page moves to the other and fills it", async () => {
    await room.start(2);
    room.host(dataDir);
    await showing(0);
    const on = await vi.waitFor(() => pageOutput(), { timeout: WAIT_MS, interval: 1_000 });
    const other = on === "HEADLESS-1" ? "HEADLESS-2" : "HEADLESS-1";
    const otherFrom = now();
    await power(other, "off");
    await room.pause(REPAIR_MS);
    expect(stages(otherFrom).filter(({ picture }) => picture.verdict !== "showing")).toEqual([]);
    await power(other, "on");
    await power(on, "off");
    const off = await dark(now());
    expect(off.picture.outputOff).toBe(`${on} is off`);
    const darkFrom = now();
    await room.pause(REPAIR_MS);
    expect(stages(darkFrom).filter(({ picture }) => picture.verdict !== "dark")).toEqual([]);
    await power(on, "on");
    await showing(now());
    await succeeds("wlr-randr", "--output", on, "--off");
    await fillsGlass(other, await sizeOf(other));
    await vi.waitFor(() => expect(stages(0).at(-1)?.picture.verdict).toBe("showing"), { timeout: WAIT_MS });
  });

  /** The output that grim shows the page on; throws until there is one. */
  async function pageOutput(): Promise<string> {
    for (const name of ["HEADLESS-1", "HEADLESS-2"]) if (cornersOf(await room.capture(name)).every((corner) => String(corner) === String(GREEN))) return name;
    throw new Error("no output shows the page");
  }

  async function succeeds(...command: readonly string[]): Promise<void> {
    expect(await exitOf(room.run(command))).toBe(0);
  }
});

/** A browser of this machine with another major version than the root's, the oldest that starts in the root. */
function anotherVersion(home: string): RoomBrowser | undefined {
  const own = versionInRoom(home, ROOT_BROWSER);
  const found = findTestChromiums().map((path) => roomBrowser(path, home)).filter((browser) => browser !== undefined).map((browser) => ({ browser, version: versionInRoom(home, browser) }));
  for (const { browser, version } of found) if ("why" in version) reportLeftOut(`the player host under a real Wayland compositor on ${browser.name}`, version.why);
  const others = found.flatMap(({ browser, version }) => ("major" in version && !("major" in own && version.major === own.major) ? [{ browser, major: version.major }] : []));
  if (others.length === 0) reportLeftOut("the player host under a real Wayland compositor on a second version of Chromium", "VITRINE_BROWSERS names none that runs there");
  return others.toSorted((a, b) => a.major - b.major)[0]?.browser;
}

/** Colours near the four corners. */
function cornersOf({ width, height, rgba }: PixelSample): readonly (readonly number[])[] {
  const at = (x: number, y: number): readonly number[] => [...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
  return [at(4, 4), at(width - 5, 4), at(4, height - 5), at(width - 5, height - 5)];
}
