import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../../../platform/ports/log.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { Outbox } from "../../../core/outbox/outbox.ts";
import { readAll } from "../../../core/outbox/testing/outbox-bench.ts";
import { DURABLE_STREAMS, STREAMS, type Gap, type Stream } from "../../../protocol/records.ts";
import { sqliteOutboxOpener } from "../open-outbox.ts";

export interface KillCampaign {
  readonly folder: string;
  readonly kills: number;
  readonly seed: string;
  readonly capBytes: number;
  /** Maximum lifetime of a process after it is ready. */
  readonly lifeMsMax: number;
}

export interface KillReport {
  readonly kills: number;
  readonly accepted: number;
  readonly acknowledged: number;
  readonly namedByGaps: number;
  /** Broken guarantees, one sentence each. Must be empty. */
  readonly faults: readonly string[];
  /** Damage that the agent reported; there is none. */
  readonly incidents: readonly string[];
}

/** Reports of the writer processes, kept outside them. */
interface Ledger {
  /** Accepted durable records: `stream/seq` to the record's own id. */
  readonly accepted: Map<string, string>;
  /** Highest number per stream that the cloud may have reported as stored. */
  readonly stored: Map<Stream, number>;
  readonly incidents: string[];
  readonly faults: string[];
}

/** Repeatedly starts a writer, kills it at a random moment, and compares the file with the ledger. */
export async function runKillCampaign(campaign: KillCampaign): Promise<KillReport> {
  const random = new SeededRandom(campaign.seed);
  const ledger: Ledger = { accepted: new Map(), stored: new Map(), incidents: [], faults: [] };
  for (let run = 0; run < campaign.kills; run += 1) await runOnce(campaign, run, random.integer(0, campaign.lifeMsMax), ledger);
  const namedByGaps = await compare(campaign, ledger);
  const acknowledged = [...ledger.stored.values()].reduce((sum, seq) => sum + seq, 0);
  return { kills: campaign.kills, accepted: ledger.accepted.size, acknowledged, namedByGaps, faults: ledger.faults, incidents: ledger.incidents };
}

async function runOnce({ folder, capBytes, seed }: KillCampaign, run: number, lifeMs: number, ledger: Ledger): Promise<void> {
  const program = fileURLToPath(new URL("outbox-writer-child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, folder, String(capBytes), String(run), seed], { stdio: ["ignore", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_code, signal) => resolve(signal)));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    if (line === "R") setTimeout(() => child.kill("SIGKILL"), lifeMs);
    else note(ledger, line);
  });
  const signal = await ended;
  if (signal !== "SIGKILL") ledger.faults.push(`run ${run} ended by itself: ${errors.join("").slice(0, 2_000)}`);
}

function note(ledger: Ledger, line: string): void {
  const [what = "", ...words] = line.split(" ");
  const [stream = "", seq = "", id = ""] = words;
  if (what === "A") {
    const key = `${stream}/${seq}`;
    const before = ledger.accepted.get(key);
    if (before !== undefined) ledger.faults.push(`number ${key} was given to ${before} and to ${id}`);
    ledger.accepted.set(key, id);
  } else if (what === "S") {
    const name = STREAMS.find((one) => one === stream);
    if (name !== undefined) ledger.stored.set(name, Math.max(ledger.stored.get(name) ?? 0, Number(seq)));
  } else if (what === "I") ledger.incidents.push(words.join(" "));
  // The kill may have cut the last line; its contents were never confirmed to anybody.
}

/** Checks that every accepted record is present, stored, or named as lost. Returns how many were named as lost. */
async function compare({ folder, capBytes }: KillCampaign, ledger: Ledger): Promise<number> {
  const time = new VirtualTime();
  const random = new SeededRandom("compare");
  const openStore = sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes, clock: time, random });
  const outbox = await Outbox.open({ openStore, clock: time, timers: time, random, log: silentLog, boot: "last", quality: "local" }, (incident) => ledger.incidents.push(JSON.stringify(incident)));
  await time.advance(5_000);
  await outbox.flush();
  const here = new Map<string, unknown>();
  const gaps: Gap[] = [];
  for (const stream of STREAMS) {
    for (const { seq, kind, body } of await readAll(outbox, stream)) {
      if (kind === "gap") gaps.push(body as unknown as Gap);
      else if (DURABLE_STREAMS.has(stream)) here.set(`${stream}/${seq}`, body["id"]);
    }
  }
  await outbox.close();
  let named = 0;
  for (const [key, id] of ledger.accepted) {
    const [stream = "", seq = ""] = key.split("/");
    const found = here.get(key);
    if (found === id) continue;
    if (found !== undefined) ledger.faults.push(`${key} was accepted as ${id} and is ${JSON.stringify(found)}`);
    else if (gaps.some((gap) => gap.stream === stream && (gap.from ?? Infinity) <= Number(seq) && Number(seq) <= (gap.to ?? 0))) named += 1;
    else if (Number(seq) > (ledger.stored.get(stream as Stream) ?? 0)) ledger.faults.push(`${key}, accepted as ${id}, is gone`);
  }
  return named;
}
