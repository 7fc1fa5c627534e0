/** Stands in for the development cloud: answers on its port until it is asked to stop. */
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    data: { type: "string" },
    "devices-dir": { type: "string" },
    sample: { type: "string" },
    "auto-claim": { type: "boolean" },
    "no-auto-claim": { type: "boolean" },
  },
});
const server = createServer((_request, response) => response.end("dashboard"));
server.listen(Number(values.port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
