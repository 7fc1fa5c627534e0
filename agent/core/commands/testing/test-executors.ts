import type { CommandName } from "../../../protocol/commands/catalog.ts";
import { COMMANDS } from "../../../protocol/commands/catalog.ts";
import type { CommandExecutor, Execution, ExecutionContext, ExecutorTable, NotStarted, Unknown } from "../executor.ts";
import type { IntentNote } from "../journal-entry.ts";
import { TestDevice } from "./test-device.ts";

export const SUCCESS: Execution = { state: "succeeded", result: { level: 1 } };

/** An executor of a test: `run` for every command name, with the name beside the parameters. */
export interface TestExecutor {
  run(name: CommandName, params: unknown, context: ExecutionContext): Promise<Execution>;
  resolve?(
    name: CommandName,
    params: unknown,
    note: IntentNote,
    overdue: boolean,
  ): Promise<Execution | NotStarted | Unknown>;
}

/** The same executor for every command of the catalog. */
export function tableOf(executor: TestExecutor): ExecutorTable {
  const entries = (Object.keys(COMMANDS) as CommandName[]).map((name): [CommandName, CommandExecutor] => [
    name,
    {
      run: (params, context) => executor.run(name, params, context) as never,
      ...(executor.resolve === undefined
        ? {}
        : { resolve: (params, note, { overdue }) => executor.resolve?.(name, params, note, overdue) as never }),
    },
  ]);
  return Object.fromEntries(entries) as ExecutorTable;
}

/** A promise and the way to settle it. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A started device whose every command does what `executor` says; at once and well unless told otherwise. */
export async function deviceWith(executor: Partial<TestExecutor> = {}): Promise<TestDevice> {
  const device = new TestDevice(() => tableOf({ run: () => Promise.resolve(SUCCESS), ...executor }));
  await device.start();
  return device;
}

/** One execution that stays at work until `end`. */
export interface Held {
  readonly id: string;
  readonly name: string;
  readonly context: ExecutionContext;
  readonly end: (execution: Execution) => void;
}

/** An executor that stays at work until told, and what it started, in order. */
export function heldExecutor(): { readonly executor: TestExecutor; readonly started: readonly Held[] } {
  const started: Held[] = [];
  const executor: TestExecutor = {
    run: (name, _params, context) => {
      const { promise, resolve } = deferred<Execution>();
      started.push({ id: context.id, name, context, end: resolve });
      return promise;
    },
  };
  return { executor, started };
}
