import { createContext, runInContext, type Context } from "node:vm";
import { describe, expect, test } from "vitest";
import { pageScript } from "./page-script.ts";

/** A page with only what the script may use, in its own realm. */
function openPage(options: { frame?: boolean } = {}) {
  const sent: string[] = [];
  const timers: { run: () => void; atMs: number }[] = [];
  let nowMs = 0;
  const listeners = new Map<string, (event: object) => void>();
  const page: Context = createContext({
    TextEncoder,
    performance: { now: () => nowMs },
    setTimeout: (run: () => void, delayMs: number) => timers.push({ run, atMs: nowMs + delayMs }),
    clearTimeout: () => undefined,
    addEventListener: (type: string, listener: (event: object) => void) => listeners.set(type, listener),
    secret: (text: string) => sent.push(text),
  });
  runInContext(`globalThis.self = globalThis; globalThis.top = ${options.frame === true ? "{}" : "globalThis"};`, page);
  runInContext(pageScript({ binding: "secret", token: "T-" }), page);
  return {
    listeners,
    calls: (): Record<string, unknown>[] => sent.map((text) => JSON.parse(text.slice(2)) as Record<string, unknown>),
    sent,
    run: (code: string): unknown => runInContext(code, page),
    answer: (message: object): void => {
      (runInContext('globalThis[Symbol.for("vitrine.host")]', page) as (text: string) => void)(JSON.stringify(message));
    },
    advance: (byMs: number): void => {
      nowMs += byMs;
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.run();
        else timers.push(timer);
      }
    },
  };
}

describe("the script in a page", () => {
  test("removes the binding, marks every call, and leaves an API that cannot be changed", async () => {
    const page = openPage();
    expect(page.run("typeof secret")).toBe("undefined");
    expect(page.run("'use strict'; try { vitrine.emit = 1; 'changed' } catch { 'refused' }")).toBe("refused");
    expect(page.run("try { Object.defineProperty(globalThis, 'vitrine', { value: 1 }); 'changed' } catch { 'refused' }")).toBe("refused");
    const promise = page.run("vitrine.emit('a', { b: 1 })") as Promise<void>;
    expect(page.sent[0]).toMatch(/^T-\{/);
    const [call] = page.calls();
    expect(call).toEqual({ do: "emit", name: "a", data: { b: 1 }, id: 1 });
    page.answer({ t: "reply", id: 1, ok: true, value: null });
    expect(await promise).toBeUndefined();
  });

  test("leaves neither API nor binding in an embedded frame", () => {
    const page = openPage({ frame: true });
    expect(page.run("typeof vitrine + typeof secret")).toBe("undefinedundefined");
  });

  test("rejects with a VitrineError and its code", async () => {
    const page = openPage();
    const promise = page.run("vitrine.device().catch((error) => [error.name, error.code, error.message, error instanceof Error].join('|'))") as Promise<string>;
    page.answer({ t: "reply", id: 1, ok: false, code: "page.unavailable", message: "not yet" });
    expect(await promise).toBe("VitrineError|page.unavailable|not yet|true");
  });

  test("stops a flood in the page and reports its size", async () => {
    const page = openPage();
    const codes = page.run("Promise.all(Array.from({ length: 300 }, () => vitrine.emit('x').catch((error) => error.code)))") as Promise<string[]>;
    expect(page.calls()).toHaveLength(200);
    page.advance(1_000);
    expect(page.calls().at(-1)).toEqual({ id: 0, do: "refused", counts: { "page.rate-limited": 100 } });
    page.advance(30_000);
    expect((await codes).filter((code) => code === "page.rate-limited")).toHaveLength(100);
    expect((await codes).filter((code) => code === "page.unavailable")).toHaveLength(200);
  });

  test.each([
    ["a call over the limit", "vitrine.emit('x', { a: 'y'.repeat(9000) })", "page.too-large"],
    ["a call over the limit in UTF-8", "vitrine.emit('x', { a: '€'.repeat(3000) })", "page.too-large"],
    ["a cycle", "(() => { const a = {}; a.a = a; return vitrine.emit('x', a); })()", "page.invalid"],
    ["a BigInt", "vitrine.reportState({ a: 1n })", "page.invalid"],
  ])("%s never leaves the page", async (_name, code, expected) => {
    const page = openPage();
    expect(await (page.run(`${code}.catch((error) => error.code)`) as Promise<string>)).toBe(expected);
    expect(page.sent).toEqual([]);
  });

  test("delivers messages to listeners until they are removed, even if one throws", () => {
    const page = openPage();
    page.run("heard = []; off = vitrine.onConfig((config) => heard.push(config.a)); vitrine.onMessage((message) => heard.push(message)); vitrine.onGpio((edge) => heard.push(edge.line + edge.level))");
    page.answer({ t: "config", config: { a: 1 } });
    page.answer({ t: "message", message: "m" });
    page.answer({ t: "gpio", line: "button", level: 1 });
    page.answer({ t: "unheard-of" });
    page.advance(0);
    page.run("off()");
    page.answer({ t: "config", config: { a: 2 } });
    page.advance(0);
    expect(page.run("heard.join()")).toBe("1,m,button1");
    expect(page.run("try { vitrine.onConfig(1) } catch (error) { error.constructor.name }")).toBe("TypeError");
  });

  test("reports uncaught errors, a few per minute", () => {
    const page = openPage();
    for (let i = 0; i < 100; i++) page.listeners.get("error")?.({ message: "boom", filename: "a.js", lineno: 3 });
    page.listeners.get("error")?.({});
    expect(page.calls()).toHaveLength(20);
    expect(page.calls()[0]).toEqual({ id: 0, do: "error", message: "boom (a.js:3)" });
    page.advance(60_000);
    page.listeners.get("unhandledrejection")?.({ reason: "later" });
    expect(page.calls().at(-1)).toMatchObject({ message: "unhandled rejection: later" });
  });
});
