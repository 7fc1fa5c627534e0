/**
 * Stands in for the agent. It writes a line with its pid to `<data>/agent.starts`, opens a simulated world,
 * and then does what the file `<data>/do` says, once: `exit 76`, `power-cut`, `hang` (ignore SIGTERM).
 */
import { appendFileSync, existsSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { data: { type: "string", default: "" }, platform: { type: "string" }, cloud: { type: "string" } } });
const world = join(values.data, "simulated-world.json");
const order = join(values.data, "do");
if (!existsSync(world)) boot();
appendFileSync(join(values.data, "agent.starts"), `${process.pid} ${values.platform ?? ""} ${values.cloud ?? ""}\n`);
process.on("SIGTERM", () => process.exit(0));
// Kept alive by this alone, until somebody writes an order.
watch(values.data, obey);
obey();

function obey(): void {
  if (!existsSync(order)) return;
  const [what, code] = readFileSync(order, "utf8").split(" ");
  rmSync(order);
  if (what === "exit") process.exit(Number(code));
  if (what === "hang") process.removeAllListeners("SIGTERM").on("SIGTERM", () => undefined);
  if (what === "power-cut") {
    boot();
    process.kill(process.pid, "SIGKILL");
  }
}

function boot(): void {
  writeFileSync(world, JSON.stringify({ power: { bootId: `boot-of-${process.pid}-${process.hrtime.bigint()}` } }));
}
