/**
 * One run of the player host's page spool, for `kill-spool.ts`: loads what is left, keeps plays and events, and removes some
 * of them as after an agent stored them. Prints each confirmation synchronously, before anything else happens.
 */
import { writeSync } from "node:fs";
import { PageSpool } from "../../../player-host/host/page-spool.ts";
import type { SpooledMessage } from "../../../player-host/host/spool-lines.ts";
import { FileSpoolStore } from "../../../player-host/node/file-spool-store.ts";
import { silentLog } from "../../../platform/ports/log.ts";

const [path = "", life = "0", from = "1"] = process.argv.slice(2);
/** Small, so that the file is rewritten meanwhile. */
const BYTES_MAX = 2_048;
const MESSAGES = 12;
const say = (what: string, id: string): number => writeSync(1, `${what} ${id}\n`);

const spool = new PageSpool(new FileSpoolStore(path), silentLog, BYTES_MAX);
await spool.open();
for (const { id } of spool.waiting()) say("waiting", id);
for (let n = Number(from); n < Number(from) + MESSAGES; n += 1) {
  const id = `${life}-${n}`;
  const message: SpooledMessage = n % 4 === 0 ? { t: "page-event", id, name: "n" } : { t: "page-play", id, play: { item: id, about: "x".repeat(100) } };
  const kept = await spool.append(message);
  if (kept.ok) say(message.t === "page-play" ? "kept" : "in-memory", id);
  // As if the agent had taken the oldest four.
  if (n % 6 === 0) for (const waiting of spool.waiting().slice(0, 4)) {
    say("removed", waiting.id);
    spool.remove(waiting.id);
  }
}
for (const { id } of spool.waiting()) {
  say("removed", id);
  spool.remove(id);
}
await spool.close();
say("end", life);
