import { runOnTerminal } from "../../agent/node/cli/run-on-terminal.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import { cloudCommands } from "./cli/cloud-commands.ts";

/** Entry point of `npm run cloud -- …`, the command line of the development cloud. */
await runOnTerminal({ call: "npm run cloud --", commands: cloudCommands(process.env, systemClock) });
