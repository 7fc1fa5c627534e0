import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AGENT_NODE_FLAGS, NODE_ENV, PLAYER_NODE_FLAGS } from "./programs.ts";

const LAUNCH = readFileSync(join(import.meta.dirname, "../systemd/launch"), "utf8");
const SMALL = /^small="(.*)"$/m.exec(LAUNCH)?.[1] ?? "";

test.each([
  ["agent", "agent", AGENT_NODE_FLAGS],
  ["player", "player-host", PLAYER_NODE_FLAGS],
])("the %s's service starts Node with the flags and the environment that the bench measures", (name, role, flags) => {
  const unit = readFileSync(join(import.meta.dirname, `../systemd/vitrine-${name}.service`), "utf8");
  expect(unit).toContain(`\nExecStart=/usr/lib/vitrine/bin/launch ${name}\n`);
  const part = new RegExp(`^${role}\\)\n(.*?)\n  ;;`, "ms").exec(LAUNCH)?.[1] ?? "";
  const words = /exec "\$node" ((?:(?:--|\$)\S+ )*)/.exec(part)?.[1]?.replace("$small", SMALL).trim().split(" ");
  expect(words).toEqual(flags);
  const env = Object.fromEntries([...part.matchAll(/^ *export (MALLOC_\w+)=(\S+)$/gm)].map((found) => [found[1] ?? "", found[2]] as const));
  expect(env).toEqual(NODE_ENV);
});
