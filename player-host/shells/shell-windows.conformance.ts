import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadTarget, Shell } from "../stage/shell.ts";
import { eventually, ShellSeat } from "./testing/shell-seat.ts";
import { openSite, type Site } from "./testing/test-site.ts";
import { openVirtualScreen, type VirtualScreen } from "./testing/virtual-screen.ts";

/** A shell that draws on the given display. */
export interface WindowedShell {
  readonly name: string;
  /** Is given a window size that differs from the screen, as with default options. */
  makeShell(folder: string, display: string): Shell;
  /** Process id of the GPU process of the browser with this folder, from the kernel. */
  gpuProcess(folder: string): Promise<number | undefined>;
}

const SCREEN = { width: 1280, height: 720 };
/** The whole screen in the test pages' blue. */
const ALL_BLUE = "48,96,192 and 0 others";

/** Every Chromium key that covers, removes or changes the picture. */
const KEYS = [
  ...["F1", "F3", "F5", "F6", "F7", "F10", "F12", "Shift_L+Escape", "Shift_L+F10", "Alt_L+Home", "Alt_L+d", "Alt_L+f", "Alt_L+F4"],
  ..."d e f g h j k l n o p q r s t u w 1 0".split(" ").map((key) => `Control_L+${key}`),
  ..."a b c i j m n o p q t w Delete".split(" ").map((key) => `Control_L+Shift_L+${key}`),
];

const ALERTS = "new Promise((done) => { onmessage = done; const frame = document.createElement('iframe'); frame.hidden = true; frame.src = location.href.replace('localhost', '127.0.0.1').replace(/on-key.*/, 'dialogs-in-frame'); document.body.append(frame); })";
const PICTURE = "(async () => { const video = document.createElement('video'); video.srcObject = document.createElement('canvas').captureStream(); await video.requestPictureInPicture(); })()";
const KEY = "{ publicKey: { challenge: new Uint8Array(16), rp: { name: 'x' }, user: { id: new Uint8Array(8), name: 'a', displayName: 'a' }, pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } }";

/** What pages request, and what is reported; absent where nothing is refused or a version lacks the feature. */
const ASKED: readonly (readonly [code: string, counted?: string])[] = [
  ["document.documentElement.requestFullscreen()", "dialog full screen"],
  ["document.body.requestPointerLock()", "dialog pointer lock"],
  [PICTURE, "dialog picture in picture"],
  ["documentPictureInPicture.requestWindow()", "dialog picture in picture"],
  ["navigator.credentials.get({ identity: { providers: [{ configURL: location.origin + '/fedcm', clientId: 'x' }] } })", "dialog sign-in"],
  ["navigator.credentials.get({ publicKey: { challenge: new Uint8Array(16) } })", "dialog sign-in"],
  [`navigator.credentials.create(${KEY})`, "dialog sign-in"],
  ["navigator.credentials.get({ digital: { requests: [{ protocol: 'openid4vp', data: {} }] } })", "dialog sign-in"],
  ["new PaymentRequest([{ supportedMethods: 'https://pay.example' }], { total: { label: 'x', amount: { currency: 'EUR', value: '1' } } }).show()", "dialog payment"],
  ["navigator.credentials.store(new PasswordCredential({ id: 'a', password: 'b' }))"],
  [ALERTS],
  ["navigator.mediaDevices.getDisplayMedia()", "permission screen capture"],
  ["navigator.mediaDevices.getUserMedia({ video: true, audio: true })", "permission camera or microphone"],
  ["new Promise((done) => navigator.geolocation.getCurrentPosition(done, done))", "permission location"],
  ["Notification.requestPermission()", "permission notifications"],
  ["IdleDetector.requestPermission()", "permission idle detection"],
  ["navigator.clipboard.readText()", "permission clipboard"],
  ["navigator.requestMIDIAccess({ sysex: true })", "permission midi"],
  ["getScreenDetails()", "permission screens"],
  ["queryLocalFonts()", "permission fonts"],
  ["navigator.xr.requestSession('immersive-vr')", "permission virtual reality"],
  ["navigator.usb.requestDevice({ filters: [] })", "permission usb"],
  ["navigator.hid.requestDevice({ filters: [] })", "permission hid"],
  ["navigator.serial.requestPort()", "permission serial"],
  ["navigator.bluetooth?.requestDevice({ acceptAllDevices: true })"],
  ["void (location.href = 'mailto:a@b.example')"],
  ["navigator.registerProtocolHandler('web+x', '/?q=%s')"],
  ["document.requestStorageAccess()"],
  ["navigator.keyboard.lock()"],
  ["void find('zzz')"],
  ["new EyeDropper().open()"],
  ["fetch('/boom')"],
  ["moveTo(100, 100), resizeTo(300, 300)"],
];

/** What only a browser with a real window can get wrong: size, keys, dialogs. Needs Xvfb. */
export function shellWindowsConformance(under: WindowedShell): void {
  describe(`Shell in a window: ${under.name}`, () => {
    let folder: string;
    let screen: VirtualScreen;
    let site: Site;
    let shell: Shell;
    let seat: ShellSeat;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "vitrine-windows-"));
      [screen, site] = await Promise.all([openVirtualScreen(SCREEN), openSite()]);
      shell = under.makeShell(folder, screen.display);
      seat = new ShellSeat(shell);
      const started = await shell.start();
      expect(started.ok, JSON.stringify(started)).toBe(true);
    }, 90_000);

    afterAll(async () => {
      await shell.stop();
      await Promise.all([screen.close(), site.close()]);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }, 30_000);

    const page = (path: string): LoadTarget => ({ kind: "url", url: site.url(path), ignoreCache: false });
    const glass = async (): Promise<string> => {
      const { mean, others } = await screen.colour();
      return `${mean} and ${others} others`;
    };

    test("fills the screen to the last pixel, whatever size it was given, and reports that nothing covers it", async () => {
      const from = await seat.show(page("/blue"));
      // On a busy machine a browser may need several looks to hide its bars for the first time.
      for (let look = 0; !seat.events.slice(from).some((event) => event.kind === "window" && event.finding.kind === "alone"); look += 1) {
        expect(look, "looks until the window is right").toBeLessThan(12);
        await seat.seen("window", seat.events.length);
      }
      await eventually(glass, ALL_BLUE);
    }, 120_000);

    test("has no renderer except the content's, and none for the browser's own bars", async () => {
      await seat.show(page("/blue"));
      await eventually(async () => (await shell.metrics())["player.renderers"], 1);
    });

    test("gives the page the keyboard focus with its first document, after its renderer ends, and after another program's window", async () => {
      const hears = async (from: number): Promise<void> => {
        const before = seat.events.length;
        await seat.told(from, "ready");
        await screen.press("F1");
        expect((await seat.seen("page-call", before, ({ text }) => text.includes('"key":"F1"'))).text).toContain('"prevented":true');
      };
      const first = seat.events.length;
      await hears(await seat.show(page("/keys")));
      await shell.resetRenderer();
      await seat.seen("renderer-gone", first);
      const second = await seat.show(page("/keys"));
      await hears(second);
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "alone");
      const uncover = screen.cover({ left: 0, top: 0, width: 1280, height: 720 });
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "covered");
      uncover();
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "alone");
      await hears(second);
    }, 60_000);

    test("gives keys to the page and not to the browser", async () => {
      await seat.told(await seat.show(page("/keys")), "ready");
      const before = seat.events.length;
      for (const key of KEYS) {
        const from = seat.events.length;
        await screen.press(key);
        const name = key.split("+").at(-1) ?? "";
        const heard = await seat.seen("page-call", from, ({ text }) => text.toLowerCase().includes(`"key":"${name.toLowerCase()}"`));
        expect(heard.text, key).toContain(`"prevented":true`);
      }
      // The browser enters full screen without asking; a kiosk ignores it.
      await screen.press("F11");
      await eventually(glass, ALL_BLUE);
      expect(seat.events.slice(before).filter(({ kind }) => kind === "browser-gone" || kind === "refused" || kind === "load-started")).toEqual([]);
    }, 60_000);

    test("leaves typing and editing keys to the page", async () => {
      await seat.told(await seat.show(page("/keys")), "ready");
      for (const key of ["a", "Control_L+c", "Control_L+v", "Control_L+z", "Escape", "Home"]) {
        const from = seat.events.length;
        await screen.press(key);
        const name = key.split("+").at(-1) ?? "";
        const heard = await seat.seen("page-call", from, ({ text }) => text.includes(`"key":"${name}"`));
        expect(heard.text, key).toContain(`"prevented":false`);
      }
    });

    test("guards keys in a frame of another site too", async () => {
      const frame = site.foreignUrl("/frame-of-keys").replace("127.0.0.1", "localhost");
      await seat.told(await seat.show(page(`/keys-in-frame?to=${encodeURIComponent(frame)}`)), "ready");
      for (const key of ["F7", "F12", "Control_L+n", "Shift_L+Escape"]) {
        const from = seat.events.length;
        await screen.press(key);
        const name = key.split("+").at(-1) ?? "";
        const heard = await seat.seen("page-call", from, ({ text }) => text.includes(`"key":"${name}"`));
        expect(heard.text, key).toContain(`"prevented":true`);
      }
      await eventually(glass, ALL_BLUE);
    });

    test.each([
      ["print()", "print"],
      ["{ const frame = document.createElement('iframe'); frame.style.display = 'none'; document.body.append(frame); frame.contentWindow.print(); }", "print"],
      ["{ const input = document.createElement('input'); input.type = 'file'; input.click(); }", "file chooser"],
      ["showOpenFilePicker()", "file chooser"],
    ])("refuses and counts %s, and nothing covers the picture", async (code, what) => {
      const from = await seat.show(page(`/on-key?do=${encodeURIComponent(code)}`));
      await seat.told(from, "ready");
      await screen.press("x");
      await seat.seen("refused", from, (event) => event.what === "dialog" && event.detail === what);
      await eventually(glass, ALL_BLUE);
      await seat.show(page("/blue"));
    });

    test("shows no password prompt: the request fails and is counted with its origin only", async () => {
      const from = await seat.show(page("/asks-for-passwords"));
      await seat.told(from, "asked");
      // `Negotiate` fails by itself without anything to negotiate with.
      for (const what of ["basic", "digest", "ntlm", "fetch", "script", "style", "video", "font", "frame", "events", "worker"]) expect(site.hits(`/password/${what}`), what).toBe(1);
      const refused = seat.events.slice(from).filter((event) => event.kind === "refused");
      expect(refused).toEqual(Array.from({ length: 11 }, () => ({ kind: "refused", what: "dialog", detail: `password for ${new URL(site.url("/")).origin}` })));
      await eventually(glass, ALL_BLUE);
    });

    test("uses the user and password in the content's own address for the document and its files", async () => {
      const from = await seat.show({ kind: "url", url: site.url("/protected").replace("//", "//user:secret@"), ignoreCache: false });
      expect(await seat.told(from, "picture")).toEqual({ type: "load" });
      expect(seat.events.slice(from).filter(({ kind }) => kind === "refused")).toEqual([]);
    });

    /** The browser gives a new document the keyboard focus some time later, and keys before that are lost; so the page listens. */
    const pressUntil = async (heard: Promise<unknown>): Promise<void> => {
      const done = heard.then(() => true);
      const later = (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(false), 500));
      do await screen.press("x");
      while (!(await Promise.race([done, later()])));
    };

    test("shows nothing of the browser's own, whatever a page requests after a key press, and counts what it refused", async () => {
      const shown: string[] = [];
      for (const [code, counted] of ASKED) {
        // On this name a page may use features that need a secure origin and a domain.
        const url = site.url(`/on-key?do=${encodeURIComponent(code)}`).replace("127.0.0.1", "localhost");
        const from = await seat.show({ kind: "url", url, ignoreCache: false });
        await seat.told(from, "ready");
        await pressUntil(seat.told(from, "done"));
        // A new document is painted with a delay, but well before the browser's shortest bubble disappears.
        let now = await glass();
        for (let look = 0; now !== ALL_BLUE && look < 20; look += 1) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          now = await glass();
        }
        if (now !== ALL_BLUE) shown.push(`${code}: ${now}`);
        const refused = seat.events.slice(from).flatMap((event) => (event.kind === "refused" ? [`${event.what} ${event.detail}`] : []));
        expect(refused, code).toEqual(expect.arrayContaining(counted === undefined ? [] : [counted]));
      }
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "alone");
      await eventually(glass, ALL_BLUE);
      expect(shown).toEqual([]);
    }, 120_000);

    test("closes and counts a window that a page opens after a key press", async () => {
      const from = await seat.show(page(`/on-key?do=${encodeURIComponent("void open('/blue', 'x', 'width=300,height=300')")}`));
      await seat.told(from, "ready");
      await screen.press("x");
      await seat.seen("refused", from, ({ what }) => what === "window");
      await eventually(glass, ALL_BLUE);
    });

    test("never shows a PDF in place of the picture, by navigation or as content; in a frame it is a missing file", async () => {
      const from = await seat.show(page(`/leaves?to=${encodeURIComponent("/pdf")}`));
      await seat.seen("load-failed", from, ({ error, pictureKept }) => error.code === "content.pdf" && pictureKept);
      expect((await seat.fails(page("/pdf"))).error.code).toBe("content.pdf");
      const framed = await seat.show(page("/pdf-in-frame"));
      await seat.seen("file-missing", framed, ({ url }) => url === site.url("/pdf"));
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "alone");
      await eventually(glass, ALL_BLUE);
    });

    test("notices another program's window over the picture, and when it is gone", async () => {
      await seat.show(page("/blue"));
      // A load brings the page to the front, so the covering window is opened after it.
      await seat.seen("window", seat.events.length, ({ finding }) => finding.kind === "alone");
      const from = seat.events.length;
      const uncover = screen.cover({ left: 200, top: 100, width: 300, height: 200 });
      const over = await seat.seen("window", from, ({ finding }) => finding.kind === "covered");
      expect(over.finding).toMatchObject({ by: "other", says: expect.stringMatching(/^window\.covered: .*300×200/) as string });
      const gone = seat.events.length;
      uncover();
      await seat.seen("window", gone, ({ finding }) => finding.kind === "alone");
    });

    test("gives a page WebGL without a GPU, counts the deaths of the GPU process, and restarts before the browser gives up", async () => {
      expect(await seat.told(await seat.show(page("/webgl")), "webgl")).toEqual({ there: true });
      const from = seat.events.length;
      let killed: number | undefined;
      for (const death of [1, 2]) {
        await eventually(async () => {
          const pid = await under.gpuProcess(folder);
          return pid !== undefined && pid !== killed;
        }, true);
        // Wait until two looks of the watch have seen it.
        for (let look = 0; look < 2; look += 1) await seat.seen("window", seat.events.length);
        killed = await under.gpuProcess(folder);
        if (killed !== undefined) process.kill(killed, "SIGKILL");
        if (death === 1) await eventually(async () => (await shell.metrics())["player.gpu-deaths"], 1);
      }
      const { reason } = await seat.seen("browser-gone", from);
      expect(reason).toMatch(/^gpu\./);
      await shell.stop();
      expect(await shell.start()).toMatchObject({ ok: true });
      expect(await seat.told(await seat.show(page("/webgl")), "webgl")).toEqual({ there: true });
      await eventually(glass, ALL_BLUE);
    }, 90_000);
  });
}
