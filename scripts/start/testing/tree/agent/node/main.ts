/**
 * Stands in for the agent. It writes a line with its pid to `<data>/agent.starts`, opens a simulated world,
 * and then does what the file `<data>/do` says, once: `exit 76`, `power-cut`, `hang` (ignore SIGTERM). Asked for its
 * status, it answers with the file `<data>/status.json`.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    data: { type: "string", default: "" },
    platform: text,
    cloud: text,
    "device-name": text,
    "gpio-inputs": text,
    "cloud-first-connect-spread-ms": text,
  },
});
const world = join(values.data, "simulated-world.json");
const order = join(values.data, "do");
if (!existsSync(world)) boot();
appendFileSync(join(values.data, "agent.starts"), `${process.pid} ${values.platform ?? ""} ${values.cloud ?? ""}\n`);
process.on("SIGTERM", () => process.exit(0));
// The local API, as far as `npm start` asks it: any answer means that the agent is up.
const socket = join(values.data, "run/agent.sock");
mkdirSync(join(values.data, "run"), { recursive: true });
rmSync(socket, { force: true });
createServer((connection) => connection.on("data", () => connection.end(`{"id":1,"result":${status()}}\n`))).listen(socket);
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

function status(): string {
  const file = join(values.data, "status.json");
  return existsSync(file) ? readFileSync(file, "utf8") : "{}";
}

function boot(): void {
  writeFileSync(world, JSON.stringify({ power: { bootId: `boot-of-${process.pid}-${process.hrtime.bigint()}` } }));
}
