/** Stands in for the player host: it has a child, as a browser would be, that ignores polite requests. */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { data: { type: "string", default: "" }, browser: { type: "string" }, headless: { type: "boolean", default: false } },
});
const script = "process.on('SIGTERM', () => undefined); setTimeout(() => undefined, 60_000)";
const browser = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
appendFileSync(join(values.data, "player.starts"), `${process.pid} ${browser.pid} ${values.browser ?? ""} ${values.headless}\n`);
process.on("SIGTERM", () => process.exit(0));
