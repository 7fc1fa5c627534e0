import { build } from "esbuild";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { OneProgram } from "./testing/one-program.ts";

let bundle: string;
let machine: OneProgram;

beforeAll(async () => {
  const entryPoints = [join(import.meta.dirname, "testing/one-program.ts")];
  // Neutral platform: an import of a Node module makes the bundle fail.
  const { outputFiles } = await build({ entryPoints, bundle: true, write: false, platform: "neutral", mainFields: ["module", "main"], format: "iife", globalName: "program" });
  bundle = outputFiles[0]?.text ?? "";
});
beforeEach(() => {
  // Globals of the language, and those of platform/runtime/universal-globals.d.ts: no process, Buffer, timers, fetch, document.
  const context = createContext({ AbortController, TextEncoder, TextDecoder, URL });
  machine = runInContext(`${bundle}\nnew program.OneProgram()`, context) as OneProgram;
});

test("the portable host starts without an agent, shows content once there is one, and answers the page and the agent", async () => {
  await machine.startHost();
  expect(machine.picture()).toEqual({ shown: "offline", stage: "no agent", verdict: "no agent" });
  expect(await machine.call({ do: "device" })).toBe("page.unavailable");
  await machine.startAgent();
  expect(machine.picture()).toEqual({ shown: "the menu", stage: "playing", verdict: "showing" });
  expect(await machine.call({ do: "device" })).toMatchObject({ id: "d1", shell: "memory 1" });
  expect(await machine.call({ do: "config" })).toEqual({ shop: "one" });
  expect(await machine.call({ do: "watch-gpio" })).toBe("page.not-granted");
  expect(await machine.play("coffee")).toBeNull();
  expect(machine.stored).toEqual(["coffee"]);
  expect(await machine.ask({ do: "reload", ignoreCache: false })).toBe("done");
  expect(await machine.ask({ do: "screenshot", format: "png" })).toBe("done");
  expect(await machine.ask({ do: "page-message", message: { hello: 1 } })).toBe("done");
  expect(machine.lastTold).toEqual({ t: "message", message: { hello: 1 } });
  await machine.stopHost();
});

test("the portable host spools plays while the agent is away, across a restart of the host too, and delivers them once and in order", async () => {
  await machine.startHost();
  await machine.startAgent();
  await machine.stopAgent();
  for (const item of ["one", "two"]) expect(await machine.play(item)).toBeNull();
  await machine.stopHost();
  await machine.startHost();
  expect(machine.picture().shown).toBe("the menu");
  expect(await machine.play("three")).toBeNull();
  expect(machine.stored).toEqual([]);
  await machine.startAgent();
  expect(machine.stored).toEqual(["one", "two", "three"]);
  await machine.time.advance(60_000);
  expect([machine.stored, machine.spool.text]).toEqual([["one", "two", "three"], undefined]);
  expect(await machine.play("four")).toBeNull();
  await machine.stopHost();
  expect([machine.stored.at(-1), machine.spool.text]).toEqual(["four", undefined]);
});
