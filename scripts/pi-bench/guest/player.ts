/**
 * A player host under load: plays and page events at a given rate, each kept until the agent answers. Every record that the agent
 * has accepted is told to the host at once, so that it is known there when the power goes.
 */
import { connect } from "node:net";
import { newLedger } from "../../prove/harness/ledger.ts";
import { ScriptedPlayer } from "../../prove/harness/scripted-player.ts";

const LOOK_MS = 20;
const [, , sockets = "", prefix = "", perSecond = "", address = ""] = process.argv;
const [host = "", port = ""] = address.split(":");

const ledger = newLedger();
const player = new ScriptedPlayer(sockets, prefix, ledger, Number(perSecond));
const told = connect(Number(port), host, () => player.start());
// The bench has ended.
told.on("close", () => process.exit(0));
setInterval(() => {
  for (const { id, stream, fate } of ledger.pages.values()) {
    if (fate.kind === "unanswered") continue;
    told.write(`${JSON.stringify({ id, stream, fate })}\n`);
    ledger.pages.delete(id);
  }
}, LOOK_MS);
