import type { Log } from "../../../platform/ports/log.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

/**
 * The agent's log: warnings and errors belong to the trace, and a unit that its supervisor had to start again is a
 * bug: a disk that refuses writes ends none.
 */
export function watchedLog(sim: SimContext, life: Life): Log {
  const write = (level: string, fields: Record<string, unknown>, message: string): void => {
    if (!life.alive) return;
    const error = typeof fields["error"] === "string" ? fields["error"] : "";
    sim.trace.add(life.name, level, `${message} ${JSON.stringify(fields, withoutStack)}`);
    if (message === "unit broke; restarting it") sim.breach("no-unit-breaks", `${life.name}: ${String(fields["unit"])}: ${error}`);
    else if (level === "error" && BUGS.test(error)) sim.breach("nothing-throws", `${life.name}: ${message}: ${error}`);
  };
  const log: Log = {
    debug: () => {
      // Debug lines cost more than they tell here.
    },
    info: () => {
      // What is worth knowing of them is an event of the simulation anyway.
    },
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
    child: () => log,
  };
  return log;
}

/** Thrown by the language itself: nobody throws these on purpose. */
const BUGS = /^(?:TypeError|ReferenceError|RangeError|SyntaxError|AssertionError|Error: )/;

/** Stacks name lines of files; a trace must not change with them. */
function withoutStack(_key: string, value: unknown): unknown {
  return typeof value === "string" && value.includes("\n    at ") ? value.slice(0, value.indexOf("\n    at ")) : value;
}
