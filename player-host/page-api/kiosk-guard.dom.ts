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
 * Printing is refused by the browser's own settings, which tell nobody. In place of `print` each document gets a function
 * that prints nothing and says that it was called. Runs in the page's own world, before the page's code.
 */
export function installPrintRefusal(binding: string): void {
  const page = globalThis as unknown as Record<string, unknown>;
  const say = page[binding] as ((what: string) => void) | undefined;
  delete page[binding];
  // Of frames of another site nobody hears; there it only does nothing.
  page["print"] = () => say?.("print");
}
