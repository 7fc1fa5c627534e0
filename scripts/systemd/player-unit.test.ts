import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const UNIT = readFileSync(join(import.meta.dirname, "vitrine-player.service"), "utf8");

test("the player's unit brings its own console to the front, as root: logind gives the graphics device to nobody else", () => {
  const [, tty = ""] = /^TTYPath=\/dev\/tty(\d+)$/m.exec(UNIT) ?? [];
  expect(tty).not.toBe("");
  expect(UNIT).toContain(`\nExecStartPre=-+/usr/bin/busctl call org.freedesktop.login1 /org/freedesktop/login1/seat/seat0 org.freedesktop.login1.Seat SwitchTo u ${tty}\n`);
  expect(UNIT).toContain(`\nConflicts=getty@tty${tty}.service\n`);
});
