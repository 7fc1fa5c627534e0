/**
 * Stands in for the player host: it has a child, as a browser would be, that ignores polite requests. A browser that is
 * called `…-shows` shows a picture, one called `…-ends` does not prove itself; any other one shows nothing and says nothing.
 */
import { spawn } from "node:child_process";
import { appendFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "" },
    browser: { type: "string" },
    "browser-why": { type: "string" },
    "passed-over": { type: "string" },
    headless: { type: "boolean", default: false },
  },
});
const script = "process.on('SIGTERM', () => undefined); setTimeout(() => undefined, 60_000)";
const browser = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
appendFileSync(join(values.data, "player.starts"), `${process.pid} ${browser.pid} ${values.browser ?? ""} ${values.headless}\n`);
process.on("SIGTERM", () => process.exit(0));
const name = realpathSync(values.browser ?? "");
const why = values["browser-why"];
const passedOver = JSON.parse(values["passed-over"] ?? "[]") as unknown;
if (name.endsWith("-shows")) report({ kind: "seen", afterMs: 1 });
if (name.endsWith("-ends")) report({ kind: "none", why: "it ended 2 times before its first picture" });

function report(picture: object): void {
  writeFileSync(join(values.data, "status.json"), JSON.stringify({ player: { kind: "idle" }, browser: { name: "chromium 1.2.3", picture, why, passedOver } }));
}
