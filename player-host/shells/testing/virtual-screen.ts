import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { text, word, X11Connection, type X11Rectangle } from "../chromium/x11-connection.ts";

/** An X server without a monitor and without a window manager. */
export interface VirtualScreen {
  /** Value for `DISPLAY`. */
  readonly display: string;
  /** Presses and releases keys as a keyboard would. `keys`: X keysym names, modifiers first (`Control_L+p`). */
  press(keys: string): Promise<void>;
  /** Mean colour of the screen, `r,g,b`, and the number of pixels that differ from it by more than 4. */
  colour(): Promise<{ readonly mean: string; readonly others: number }>;
  /** Covers the screen with a white window of another program. Returns a function that removes it. */
  cover(place: X11Rectangle): () => void;
  close(): Promise<void>;
}

export function hasXvfb(): boolean {
  return spawnSync("Xvfb", ["-help"], { stdio: "ignore" }).error === undefined;
}

export async function openVirtualScreen(size: { readonly width: number; readonly height: number }): Promise<VirtualScreen> {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", `${size.width}x${size.height}x24`, "-nolisten", "tcp", "-noreset"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const display = `:${await firstLine(server)}`;
  const x11 = await X11Connection.open({ DISPLAY: display });
  return {
    display,
    press: (keys) => press(x11, keys.split("+")),
    colour: async () => colourOf(await image(x11, size)),
    cover: (place) => cover(x11, place),
    close: async () => {
      x11.close();
      const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
      server.kill("SIGTERM");
      await ended;
    },
  };
}

const OP = { create: 1, destroy: 4, map: 8, image: 73, extension: 98, keymap: 101 } as const;
const KEYSYMS: Readonly<Record<string, number>> = {
  Control_L: 0xff_e3, Shift_L: 0xff_e1, Alt_L: 0xff_e9, Escape: 0xff_1b, Home: 0xff_50, Delete: 0xff_ff,
  ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`F${at + 1}`, 0xff_be + at])),
};

/** Through the server's XTEST extension, which programs see as a keyboard. */
async function press(x11: X11Connection, keys: readonly string[]): Promise<void> {
  const extension = await x11.ask(OP.extension, 0, text("XTEST"));
  const opcode = extension?.[8] === 1 ? extension[9] : undefined;
  if (opcode === undefined) throw new Error("this X server has no XTEST");
  const codes = await Promise.all(keys.map((key) => keycode(x11, key)));
  const fake = (type: number, code: number): void => {
    const body = Buffer.alloc(32);
    body[0] = type;
    body[1] = code;
    x11.send(opcode, 2, body);
  };
  for (const code of codes) fake(2, code);
  for (const code of codes.toReversed()) fake(3, code);
  // The reply proves that the server has handled every earlier request.
  await x11.rootSize();
}

const FIRST_KEYCODE = 8;

async function keycode(x11: X11Connection, key: string): Promise<number> {
  const wanted = KEYSYMS[key] ?? key.charCodeAt(0);
  const reply = (await x11.ask(OP.keymap, 0, Buffer.from([FIRST_KEYCODE, 255 - FIRST_KEYCODE + 1, 0, 0]))) ?? Buffer.alloc(0);
  const perKey = reply[1] ?? 1;
  for (let at = 0; 32 + at * perKey * 4 < reply.length; at += 1) {
    if (reply.readUInt32LE(32 + at * perKey * 4) === wanted) return FIRST_KEYCODE + at;
  }
  throw new Error(`no key of this keyboard is ${key}`);
}

async function image(x11: X11Connection, size: { readonly width: number; readonly height: number }): Promise<Buffer> {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(x11.root, 0);
  body.writeUInt16LE(size.width, 8);
  body.writeUInt16LE(size.height, 10);
  body.writeUInt32LE(0xff_ff_ff_ff, 12);
  return (await x11.ask(OP.image, 2, body))?.subarray(32) ?? Buffer.alloc(0);
}

function cover(x11: X11Connection, { left, top, width, height }: X11Rectangle): () => void {
  const id = x11.newId();
  const body = Buffer.alloc(32);
  body.writeUInt32LE(id, 0);
  body.writeUInt32LE(x11.root, 4);
  for (const [at, value] of [left, top, width, height].entries()) body.writeInt16LE(value, 8 + 2 * at);
  body.writeUInt16LE(1, 18);
  // Background: a pixel of white.
  body.writeUInt32LE(2, 24);
  body.writeUInt32LE(0xff_ff_ff, 28);
  x11.send(OP.create, 0, body);
  x11.send(OP.map, 0, word(id));
  return () => x11.send(OP.destroy, 0, word(id));
}

function firstLine(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`Xvfb ended with code ${code}`)));
    (server.stdio[3] as Readable).on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.trim());
    });
  });
}

/** Four bytes a pixel: blue, green, red, unused. */
function colourOf(pixels: Buffer): { mean: string; others: number } {
  const mean = [2, 1, 0].map((channel) => {
    let sum = 0;
    for (let at = channel; at < pixels.length; at += 4) sum += pixels[at] ?? 0;
    return Math.round(sum / (pixels.length / 4));
  });
  let others = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if ([2, 1, 0].some((channel, i) => Math.abs((pixels[at + channel] ?? 0) - (mean[i] ?? 0)) > 4)) others += 1;
  }
  return { mean: mean.join(","), others };
}
