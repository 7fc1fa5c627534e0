import { expect, test } from "vitest";
import * as ws from "ws";
import { frameBytes, WireCounter } from "./frame-bytes.ts";

/** The frame encoder of ws, which its types do not export. */
interface FrameMaker {
  frame(text: Buffer, options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean }): readonly Buffer[];
}
const { Sender } = ws as unknown as { readonly Sender: FrameMaker };

test("has the size of ws's own frames at every limit of the length", () => {
  for (const textBytes of [0, 1, 125, 126, 65_535, 65_536]) {
    for (const mask of [true, false]) {
      const frame = Sender.frame(Buffer.alloc(textBytes), { fin: true, rsv1: false, opcode: 1, mask, readOnly: false });
      const bytes = frame.reduce((sum, part) => sum + part.length, 0);
      expect(frameBytes(textBytes, mask)).toBe(bytes);
    }
  }
});

test("counts UTF-8 bytes by direction and by type", () => {
  const counter = new WireCounter();
  counter.up('{"t":"ping"}');
  counter.down('{"t":"pong","x":"ü"}');
  expect(counter.read()).toEqual({ framesUp: 1, bytesUp: 18, framesDown: 1, bytesDown: 23 });
  expect([...counter.byType]).toEqual([["ping↑", 18], ["pong↓", 23]]);
});
