import { expect, onTestFinished, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { hasXvfb, openVirtualScreen } from "../testing/virtual-screen.ts";
import { text, word, X11Connection } from "./x11-connection.ts";

const present = hasXvfb();
if (!present) reportLeftOut("who has the keyboard on an X server", "no Xvfb is on this machine (package xvfb)");

const OP = { create: 1, map: 8, atom: 16, change: 18, focus: 42 } as const;
const CARDINAL = 6;

/** A window of process `pid` that takes the keyboard focus. */
async function typeIn(x11: X11Connection, pid: number): Promise<void> {
  const id = x11.newId();
  const window = Buffer.alloc(28);
  window.writeUInt32LE(id, 0);
  window.writeUInt32LE(x11.root, 4);
  for (const [at, value] of [0, 0, 300, 200].entries()) window.writeInt16LE(value, 8 + 2 * at);
  window.writeUInt16LE(1, 18);
  x11.send(OP.create, 0, window);
  const name = (await x11.ask(OP.atom, 0, text("_NET_WM_PID")))?.readUInt32LE(8) ?? 0;
  x11.send(OP.change, 0, Buffer.concat([word(id), word(name), word(CARDINAL), word(32), word(1), word(pid)]));
  x11.send(OP.map, 0, word(id));
  x11.send(OP.focus, 0, Buffer.concat([word(id), word(0)]));
}

test.skipIf(!present)("the X server tells whether another program has the keyboard focus", async () => {
  const screen = await openVirtualScreen({ width: 640, height: 480 });
  onTestFinished(() => screen.close());
  const x11 = await X11Connection.open({ DISPLAY: screen.display });
  onTestFinished(() => x11.close());
  expect(await x11.keyboardIsElsewhere(41)).toBe(false);
  await typeIn(x11, 41);
  expect([await x11.keyboardIsElsewhere(41), await x11.keyboardIsElsewhere(42)]).toEqual([false, true]);
  expect((await x11.windows()).map(({ pid }) => pid)).toContain(41);
});
