/**
 * Takes the browser's own meaning away from keys and clicks, before the page hears them: a kiosk has no caret browsing, no
 * developer tools, no task manager and no second tab, and each of them would stand over the picture. In full screen a
 * browser asks the page first, for every key but the ones that leave full screen (which a kiosk ignores). The page still
 * gets the event. Handed over as text (`toString`) and run in the shell's own world of every frame, where the page cannot
 * undo it, so it names nothing outside itself.
 */
export function installKioskGuard(): void {
  // The few things of the DOM used here, said by hand: this file is also read where there is none.
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
  /** What Ctrl means in a text that is written. */
  const edits = /^([acvxyz]|Backspace|Delete|Home|End|Arrow(Left|Right|Up|Down))$/i;
  /** With Shift as well: a larger selection, and redo. */
  const selects = /^(z|Home|End|Arrow(Left|Right|Up|Down))$/i;
  /** Keys with a meaning of their own in a browser; remote controls and keyboards have many. */
  const commands = /^(F\d{1,2}|ContextMenu|Help|Print|PrintScreen|Find|Open|New|Close|Save|Props|Zoom\w*|Browser\w+|Launch\w+|Mail\w+|GoHome|GoBack|WakeUp)$/;
  const prevent = (event: Happening): void => event.preventDefault();

  page.addEventListener("keydown", (event) => {
    const { key, ctrlKey, altKey, metaKey, shiftKey } = event;
    const edit = ctrlKey && !altKey && !metaKey && (shiftKey ? selects : edits).test(key);
    const modified = (ctrlKey || altKey || metaKey) && !edit && !event.getModifierState("AltGraph");
    if (modified || commands.test(key) || (shiftKey && key === "Escape")) event.preventDefault();
    // Ctrl and the wheel zoom, with a bubble over the picture. Listened to only while it is held: such a listener costs every scroll.
    if (key === "Control") page.addEventListener("wheel", prevent, { capture: true, passive: false });
  }, { capture: true });
  page.addEventListener("keyup", ({ key }) => {
    if (key === "Control") page.removeEventListener("wheel", prevent, { capture: true });
  }, { capture: true });
  page.addEventListener("contextmenu", prevent, { capture: true });
  // The middle button opens links in a new tab and starts the browser's own way to scroll.
  page.addEventListener("auxclick", prevent, { capture: true });
  // A file that is dropped on the page would take its place.
  for (const type of ["dragover", "drop"]) page.addEventListener(type, prevent, { capture: true });
}

/**
 * Refuses what a browser would show over the picture, and counts what its settings refuse without telling anybody. Runs in
 * the page's own world of each document, before the page's code. What it says by the binding is `dialog` or `permission`, a
 * space, and a name. Of frames of another site nobody hears; there it only refuses.
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
  // The browser draws these before anybody can answer for it.
  const answers: Readonly<Record<string, unknown>> = { alert: undefined, confirm: false, prompt: null };
  for (const [name, answer] of Object.entries(answers)) replace(page, name, () => (text) => refuse(`${name}: ${`${(text ?? "") as string}`.slice(0, 200)}`, () => answer)().call(undefined));
  // Each comes with a bubble, a window or a question over the picture.
  replace(page["Element"]?.prototype, "requestFullscreen", refuse("full screen", isRefused));
  for (const name of ["webkitRequestFullscreen", "webkitRequestFullScreen"]) replace(page["Element"]?.prototype, name, refuse("full screen", () => undefined));
  for (const name of ["webkitEnterFullscreen", "webkitEnterFullScreen"]) replace(page["HTMLVideoElement"]?.prototype, name, refuse("full screen", () => undefined));
  replace(page["Element"]?.prototype, "requestPointerLock", refuse("pointer lock", isRefused));
  replace(page["HTMLVideoElement"]?.prototype, "requestPictureInPicture", refuse("picture in picture", isRefused));
  replace(page["DocumentPictureInPicture"]?.prototype, "requestWindow", refuse("picture in picture", isRefused));
  replace(page["PaymentRequest"]?.prototype, "show", refuse("payment", isRefused));
  // Accounts of another site, keys and documents are chosen in a window of the browser's; passwords are not there to choose.
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
