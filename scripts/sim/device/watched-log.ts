import type { Log } from "../../../platform/ports/log.ts";
import { UNIT_BROKE } from "../../../platform/runtime/supervisor.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

/**
 * The agent's log. Warnings and errors are added to the trace. A unit restarted by its supervisor is a breach, because a disk
 * that refuses writes must not end one.
 */
export function watchedLog(sim: SimContext, life: Life): Log {
  const write = (level: string, fields: Record<string, unknown>, message: string): void => {
    if (!life.alive) return;
    const error = typeof fields["error"] === "string" ? fields["error"] : "";
    sim.trace.add(life.name, level, `${message} ${JSON.stringify(fields, withoutStack)}`);
    if (message === UNIT_BROKE) sim.breach("no-unit-breaks", `${life.name}: ${String(fields["unit"])}: ${error}`);
    else if (level === "error" && BUGS.test(error)) sim.breach("nothing-throws", `${life.name}: ${message}: ${error}`);
  };
  const log: Log = {
    debug: () => {
      // Costs more than it tells.
    },
    info: () => {
      // Relevant ones are events of the simulation anyway.
    },
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
    child: () => log,
  };
  return log;
}

/** Names of errors that are not thrown on purpose. */
const BUGS = /^(?:TypeError|ReferenceError|RangeError|SyntaxError|AssertionError|Error: )/;

/** Removes stacks, so that the trace does not depend on line numbers. */
function withoutStack(_key: string, value: unknown): unknown {
  return typeof value === "string" && value.includes("\n    at ") ? value.slice(0, value.indexOf("\n    at ")) : value;
}
