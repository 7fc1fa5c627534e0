/**
 * Prevents the browser's default action for keys and clicks before the page receives them: caret browsing, developer
 * tools, task manager and new tabs have no place on a kiosk and would cover the picture. In full screen, a browser lets the
 * page handle every key first, except those that leave full screen (which a kiosk ignores). The page still gets the event.
 * Passed as text (`toString`) and run in the shell's isolated world of every frame, where the page cannot undo it, so it
 * must not reference anything outside itself.
 */
export function installKioskGuard(): void {
  // The few DOM types used here, declared by hand: this file is also compiled without the DOM library.
  interface Happening {
    readonly key: string;
    readonly ctrlKey: boolean;
    readonly altKey: boolean;
    readonly metaKey: boolean;
    readonly shiftKey: boolean;
    getModifierState(name: string): boolean;
    preventDefault(): void;
  }
  const page = globalThis as unknown as {
    addEventListener(type: string, listener: (event: Happening) => void, options: { capture: true; passive?: false }): void;
    removeEventListener(type: string, listener: (event: Happening) => void, options: { capture: true }): void;
  };
  /** Keys that edit text together with Ctrl. */
  const edits = /^([acvxyz]|Backspace|Delete|Home|End|Arrow(Left|Right|Up|Down))$/i;
  /** Keys that select text or redo together with Ctrl and Shift. */
  const selects = /^(z|Home|End|Arrow(Left|Right|Up|Down))$/i;
  /** Keys with a browser function of their own; remote controls and keyboards have many. */
  const commands = /^(F\d{1,2}|ContextMenu|Help|Print|PrintScreen|Find|Open|New|Close|Save|Props|Zoom\w*|Browser\w+|Launch\w+|Mail\w+|GoHome|GoBack|WakeUp)$/;
  const prevent = (event: Happening): void => event.preventDefault();

  page.addEventListener("keydown", (event) => {
    const { key, ctrlKey, altKey, metaKey, shiftKey } = event;
    const edit = ctrlKey && !altKey && !metaKey && (shiftKey ? selects : edits).test(key);
    const modified = (ctrlKey || altKey || metaKey) && !edit && !event.getModifierState("AltGraph");
    if (modified || commands.test(key) || (shiftKey && key === "Escape")) event.preventDefault();
    // Ctrl and the wheel zoom and show a bubble. Registered only while Ctrl is held, because such a listener slows every scroll.
    if (key === "Control") page.addEventListener("wheel", prevent, { capture: true, passive: false });
  }, { capture: true });
  page.addEventListener("keyup", ({ key }) => {
    if (key === "Control") page.removeEventListener("wheel", prevent, { capture: true });
  }, { capture: true });
  page.addEventListener("contextmenu", prevent, { capture: true });
  // The middle button opens links in a new tab and starts autoscroll.
  page.addEventListener("auxclick", prevent, { capture: true });
  // A file dropped on the page would replace it.
  for (const type of ["dragover", "drop"]) page.addEventListener(type, prevent, { capture: true });
}

/**
 * Refuses what a browser would show over the picture, and reports what its settings refuse silently. Runs in the main
 * world of each document, before the page's code. It reports through the binding: `dialog` or `permission`, a space, and a
 * name. In frames of another site it only refuses, because their reports are not received.
 */
export function installRefusals(binding: string): void {
  type Call = (this: unknown, ...given: readonly unknown[]) => unknown;
  const page = globalThis as unknown as Record<string, (Record<string, unknown> & { readonly prototype?: Record<string, unknown> }) | undefined>;
  const say = page[binding] as ((what: string) => void) | undefined;
  delete page[binding];
  const replace = (owner: Record<string, unknown> | undefined, name: string, by: (original: Call) => Call): void => {
    const original = owner?.[name];
    if (owner !== undefined && typeof original === "function") owner[name] = by(original as Call);
  };
  const isRefused = (): Promise<never> => Promise.reject(new DOMException("A kiosk does not allow it.", "NotAllowedError"));
  const refuse = (what: string, answer: () => unknown) => (): Call => () => {
    say?.(`dialog ${what}`);
    return answer();
  };
  const count = (what: string) => (original: Call): Call => function (...given) {
    say?.(`permission ${what}`);
    return Reflect.apply(original, this, given);
  };

  replace(page, "print", refuse("print", () => undefined));
  // The browser shows these before the shell could answer them.
  const answers: Readonly<Record<string, unknown>> = { alert: undefined, confirm: false, prompt: null };
  for (const [name, answer] of Object.entries(answers)) replace(page, name, () => (text) => refuse(`${name}: ${`${(text ?? "") as string}`.slice(0, 200)}`, () => answer)().call(undefined));
  // Each shows a bubble, window or prompt over the picture.
  replace(page["Element"]?.prototype, "requestFullscreen", refuse("full screen", isRefused));
  for (const name of ["webkitRequestFullscreen", "webkitRequestFullScreen"]) replace(page["Element"]?.prototype, name, refuse("full screen", () => undefined));
  for (const name of ["webkitEnterFullscreen", "webkitEnterFullScreen"]) replace(page["HTMLVideoElement"]?.prototype, name, refuse("full screen", () => undefined));
  replace(page["Element"]?.prototype, "requestPointerLock", refuse("pointer lock", isRefused));
  replace(page["HTMLVideoElement"]?.prototype, "requestPictureInPicture", refuse("picture in picture", isRefused));
  replace(page["DocumentPictureInPicture"]?.prototype, "requestWindow", refuse("picture in picture", isRefused));
  replace(page["PaymentRequest"]?.prototype, "show", refuse("payment", isRefused));
  // Accounts of other sites, keys and documents are chosen in a browser window; there are no saved passwords to choose.
  for (const name of ["get", "create"]) {
    replace(page["CredentialsContainer"]?.prototype, name, (original) => function (...given) {
      const wanted = Object(given[0]) as object;
      const asks = ["identity", "publicKey", "digital", "otp"].some((kind) => kind in wanted);
      return asks ? refuse("sign-in", isRefused)().call(this) : Reflect.apply(original, this, given);
    });
  }

  replace(page["Notification"], "requestPermission", count("notifications"));
  replace(page["IdleDetector"], "requestPermission", count("idle detection"));
  replace(page, "getScreenDetails", count("screens"));
  replace(page, "queryLocalFonts", count("fonts"));
  const permissions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
    usb: { USB: ["requestDevice"] },
    hid: { HID: ["requestDevice"] },
    serial: { Serial: ["requestPort"] },
    bluetooth: { Bluetooth: ["requestDevice", "requestLEScan"] },
    midi: { Navigator: ["requestMIDIAccess"] },
    "camera or microphone": { MediaDevices: ["getUserMedia"], Navigator: ["getUserMedia", "webkitGetUserMedia"] },
    "screen capture": { MediaDevices: ["getDisplayMedia"] },
    location: { Geolocation: ["getCurrentPosition", "watchPosition"] },
    clipboard: { Clipboard: ["read", "readText", "write", "writeText"] },
    "virtual reality": { XRSystem: ["requestSession"] },
    "wake lock": { WakeLock: ["request"] },
  };
  for (const [what, owners] of Object.entries(permissions)) {
    for (const [owner, names] of Object.entries(owners)) for (const name of names) replace(page[owner]?.prototype, name, count(what));
  }
}
