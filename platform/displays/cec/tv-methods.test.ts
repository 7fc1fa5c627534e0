import { expect, test } from "vitest";
import type { JsonObject } from "../../runtime/json.ts";
import { TV_METHODS, TvMethods, TVS_MAX } from "./tv-methods.ts";

test("an unknown TV gets the methods in their order, each after the one before has failed", () => {
  const methods = new TvMethods();
  const tried = TV_METHODS["power-on"].map(() => {
    const method = methods.choose("power-on");
    return [method, methods.judge("power-on", method, "ignored")];
  });
  expect(tried).toEqual([["image-view-on", true], ["text-view-on", true], ["power-on-key", false]]);
  expect(methods.known()).toEqual({});
});

test("a TV that obeyed no method is tried with one a call from then on, until it obeys", () => {
  const methods = new TvMethods();
  for (const method of TV_METHODS["power-on"]) methods.judge("power-on", method, "ignored");
  expect([methods.choose("power-on"), methods.judge("power-on", "image-view-on", "ignored"), methods.choose("power-on")]).toEqual(["image-view-on", false, "text-view-on"]);
  methods.judge("power-on", "text-view-on", "obeyed");
  expect([methods.choose("power-on"), methods.judge("power-on", "text-view-on", "ignored")]).toEqual(["text-view-on", true]);
});

test("what worked comes first, and stays known while the TV obeys nothing", () => {
  const methods = new TvMethods();
  methods.judge("power-off", "power-off-key", "obeyed");
  expect(methods.choose("power-off")).toBe("power-off-key");
  methods.judge("power-off", "power-off-key", "ignored");
  expect(methods.choose("power-off")).toBe("standby");
  methods.judge("power-off", "standby", "ignored");
  expect([methods.choose("power-off"), methods.known()]).toEqual(["power-off-key", { "power-off": "power-off-key" }]);
});

test("an unclear result changes nothing", () => {
  const methods = new TvMethods();
  expect([methods.judge("input", "active-source", "unclear"), methods.choose("input")]).toEqual([false, "active-source"]);
});

test("each TV has its own, and a document holds a bounded number of them", () => {
  const methods = new TvMethods();
  const documents: JsonObject[] = [];
  methods.onChange((document) => documents.push(document));
  for (let tv = 0; tv < TVS_MAX + 3; tv += 1) {
    methods.identify(`TV-${tv}`);
    expect(methods.known()).toEqual({});
    methods.judge("power-on", "text-view-on", "obeyed");
    methods.judge("power-on", "text-view-on", "obeyed");
  }
  expect(documents).toHaveLength(TVS_MAX + 3);
  const last = documents.at(-1) as { tvs: JsonObject };
  expect(Object.keys(last.tvs)).toEqual(Array.from({ length: TVS_MAX }, (_, index) => `TV-${index + 3}`));
  const next = new TvMethods();
  next.restore(last);
  next.identify("TV-5");
  expect([next.choose("power-on"), next.choose("power-off")]).toEqual(["text-view-on", "standby"]);
});
