import { expect, test } from "vitest";
import type { Execution, ExecutionContext, ExecutorTable } from "./executor.ts";
import { noteOverrides } from "./note-overrides.ts";

const context = {} as ExecutionContext;
const noted: string[] = [];
const note = (key: string, value: unknown): Promise<() => Promise<void>> => {
  noted.push(`${key}=${String(value)}`);
  return Promise.resolve(() => Promise.resolve(void noted.push(`${key} taken back`)));
};
const forget = (key: string, value: unknown): Promise<void> => Promise.resolve(void noted.push(`${key}=${String(value)} forgotten`));
const sets = ({ on }: { readonly on: boolean }) => ["display.power", on ? "on" : "standby"] as const;
const table = (execution: Execution<never>): ExecutorTable => ({ "display.power": { sets, run: () => Promise.resolve(execution) }, "gpio.read": { run: () => Promise.resolve(execution) } });
const run = async (execution: object): Promise<readonly string[]> => {
  noted.length = 0;
  const wrapped = noteOverrides(table(execution as Execution<never>), note, forget);
  await wrapped["display.power"]?.run({ on: false }, context);
  await wrapped["gpio.read"]?.run({ line: "GPIO17" }, context);
  return noted;
};

test("a command that sets a desired key is noted as an override, others are not", async () => {
  expect(await run({ state: "succeeded", result: {} })).toEqual(["display.power=standby"]);
});

test("the override of a command without success is undone", async () => {
  expect(await run({ state: "failed", error: { code: "display.no-answer", message: "silent" } })).toEqual(["display.power=standby", "display.power taken back"]);
  expect(await run({ state: "rejected", error: { code: "unsupported", message: "none" } })).toEqual(["display.power=standby", "display.power taken back"]);
});

test("after a crash, the override of a command with an unknown outcome is removed", async () => {
  const resolved = async (answer: object): Promise<readonly string[]> => {
    noted.length = 0;
    const resolve = (): Promise<never> => Promise.resolve(answer as never);
    const wrapped = noteOverrides({ "display.power": { sets, run: () => Promise.reject(new Error("it is not run")), resolve } }, note, forget);
    expect(await wrapped["display.power"]?.resolve?.({ on: false }, {}, { overdue: false, signal: new AbortController().signal })).toBe(answer);
    return noted;
  };
  expect(await resolved({ state: "unknown" })).toEqual(["display.power=standby forgotten"]);
  expect(await resolved({ state: "succeeded", result: {} })).toEqual([]);
});
