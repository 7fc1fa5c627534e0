import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AGENT_NODE_FLAGS, NODE_ENV, PLAYER_NODE_FLAGS } from "./programs.ts";

test.each([
  ["agent", AGENT_NODE_FLAGS],
  ["player", PLAYER_NODE_FLAGS],
])("the %s's service starts Node with the flags and the environment that the bench measures", (name, flags) => {
  const unit = readFileSync(join(import.meta.dirname, `../systemd/vitrine-${name}.service`), "utf8");
  const words = /^ExecStart=.*?\/bin\/node ((?:--\S+ )*)/m.exec(unit)?.[1]?.trim().split(" ");
  expect(words).toEqual(flags);
  const env = Object.fromEntries([...unit.matchAll(/^Environment=(MALLOC_\w+)=(\S+)$/gm)].map((found) => [found[1] ?? "", found[2]] as const));
  expect(env).toEqual(NODE_ENV);
});
