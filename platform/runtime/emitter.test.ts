import { expect, test } from "vitest";
import { Emitter } from "./emitter.ts";

test("listeners are called in order; one that throws is reported and does not stop the others", () => {
  const thrown: unknown[] = [];
  const heard: string[] = [];
  const emitter = new Emitter<number>((error) => thrown.push(error));
  emitter.on((value) => heard.push(`a${value}`));
  emitter.on(() => {
    throw new Error("bug");
  });
  const undo = emitter.on((value) => heard.push(`b${value}`));
  emitter.emit(1);
  undo();
  undo();
  emitter.emit(2);
  expect(heard).toEqual(["a1", "b1", "a2"]);
  expect(thrown).toHaveLength(2);
});

test("listeners may be added and removed during an emit", () => {
  const heard: string[] = [];
  const emitter = new Emitter<void>((error) => {
    throw error;
  });
  const undo = emitter.on(() => {
    heard.push("once");
    undo();
    emitter.on(() => heard.push("late"));
  });
  emitter.on(() => heard.push("second"));
  emitter.emit();
  expect(heard).toEqual(["once", "second"]);
  emitter.emit();
  expect(heard).toEqual(["once", "second", "second", "late"]);
});
