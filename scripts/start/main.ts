/** `npm start`: the development cloud, and simulated devices with a real agent and a real player host each. */
import { resolve } from "node:path";
import { start } from "./start.ts";

process.exitCode = await start(process.argv.slice(2), resolve(import.meta.dirname, "../.."));
