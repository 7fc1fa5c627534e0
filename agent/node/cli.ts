#!/usr/bin/env node
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { socketPlaceOf, trustSocketFolder } from "../../platform/node/socket-folder.ts";
import { ok, type Result } from "../../platform/ports/result.ts";
import { socketPath } from "../../player-host/contract/socket-path.ts";
import { deviceCommands } from "./cli/device-commands.ts";
import { runOnTerminal } from "./cli/run-on-terminal.ts";

/** Entry point of the `vitrine` command line. */
await runOnTerminal({ call: "vitrine", commands: deviceCommands({ socketPath: agentSocket }) });

/** Follows the agent's own rule (player-host/contract/socket-path.ts). */
function agentSocket(given: string | undefined): Result<string> {
  const data = resolve(given ?? process.env["VITRINE_DATA"] ?? (existsSync(".vitrine/devices/1") ? ".vitrine/devices/1" : "/var/lib/vitrine"));
  const sockets = process.env["VITRINE_SOCKETS_DIR"];
  // An installed device, whether its agent runs or not: a login shell there has no such variable.
  const installed = data === "/var/lib/vitrine" && (existsSync("/run/vitrine/run") || existsSync("/usr/lib/vitrine/release.json")) ? "/run/vitrine" : data;
  const dataDir = sockets === undefined || sockets === "" ? installed : resolve(sockets);
  const { folder, path } = socketPath("agent.sock", socketPlaceOf(dataDir));
  const trusted = trustSocketFolder(folder, dataDir);
  return trusted.ok ? ok(path) : trusted;
}
