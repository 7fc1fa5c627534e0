import { join } from "node:path";
import { describeEnd, runCommand } from "./run-command.ts";
import { oneCheck, type Step } from "./step.ts";

/** A step that runs one script and passes when it exits with 0. `script` is relative to the root. */
export function programStep(name: string, title: string, script: string, args: readonly string[], timeoutMs = 300_000): Step {
  return {
    name,
    title,
    async run({ root, env, signal }) {
      const nodeArgs = [join(root, script), ...args];
      const failure = describeEnd(await runCommand({ nodeArgs, cwd: root, env: Object.fromEntries(env), timeoutMs, signal }));
      return oneCheck(failure === "" ? "" : `${title}: ${failure}`);
    },
  };
}
