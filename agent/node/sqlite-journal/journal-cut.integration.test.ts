import { cpSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { entry, final, OWNER } from "../../core/commands/testing/journal-entries.ts";
import { valuesOf, type ValuesOf } from "../../core/storage/testing/values-of.ts";
import { Quarantine } from "../sqlite/quarantine.ts";
import { SqliteFile } from "../sqlite/sqlite-file.ts";
import { openJournal, type JournalOpening } from "./open-journal.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";

type Store = ValuesOf<Extract<JournalOpening, { kind: "open" }>["store"]>;

const WAL_HEADER_BYTES = 32;
const FRAME_BYTES = 1024 + 24;
const BOOT = "boot-1";
const running = { kind: "running", started: { wallMs: 1, boot: BOOT } } as const;

let live = "";
let killed = "";
let store: Store | undefined;
const opened: Store[] = [];
beforeEach(() => {
  live = mkdtempSync(join(tmpdir(), "vitrine-journal-"));
  killed = mkdtempSync(join(tmpdir(), "vitrine-journal-"));
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  for (const folder of [live, killed]) rmSync(folder, { recursive: true });
});

async function open(folder: string, boot = BOOT) {
  const opening = await openJournal({ path: join(folder, "journal.db"), quarantine: new Quarantine(join(folder, "quarantine"), 10_000_000), wallMs: 7, boot });
  if (opening.kind !== "open") throw new Error(opening.why.message);
  const values = valuesOf(opening.store);
  opened.push(values);
  return { ...opening, store: values };
}

/** Leaves the files as a killed process would. */
function kill(): void {
  rmSync(killed, { recursive: true });
  cpSync(live, killed, { recursive: true });
}

/** Three commands: one finished, one running, one waiting. */
async function history(): Promise<void> {
  ({ store } = await open(live));
  for (const number of [1, 2, 3]) await store.put(entry(number));
  await store.put(entry(1, { state: running }));
  await store.put(entry(1, { state: final(1, 1, true) }));
  await store.put(entry(2, { state: running }));
}

it("reports nothing after a kill, in the same boot or the next", async () => {
  await history();
  kill();
  expect((await open(killed)).damage).toBeUndefined();
  kill();
  expect((await open(killed, "boot-2")).damage).toBeUndefined();
});

it("notices a WAL cut at any frame: no used number and no open command counts as new", async () => {
  await history();
  const wal = join(killed, "journal.db-wal");
  const whole = statSync(join(live, "journal.db-wal")).size;
  let cuts = 0;
  for (let at = 0; at < whole; at = at === 0 ? WAL_HEADER_BYTES : at + FRAME_BYTES) {
    kill();
    truncateSync(wal, at);
    const { store: left, damage } = await open(killed);
    const known = await left.recent(10);
    expect(damage?.why.code, `cut at ${at}`).toBe("storage.corrupt");
    expect(Math.max(await left.floor(OWNER), ...known.map(({ number }) => number)), `cut at ${at}`).toBe(3);
    for (const { id, state } of known) expect(state, `${id}, cut at ${at}`).toMatchObject({ kind: "final", ...(id === "c1" ? {} : { outcome: { error: { code: "outcome-unknown" } } }) });
    left.close();
    opened.splice(opened.indexOf(left), 1);
    expect((await open(killed)).damage, `once more after a cut at ${at}`).toBeUndefined();
    cuts += 1;
  }
  expect(cuts).toBeGreaterThan(10);
});

it("runs no used number again after the journal was lost, whatever the boot", async () => {
  await history();
  for (const boot of [BOOT, "boot-2"]) {
    kill();
    for (const name of readdirSync(killed)) if (!name.endsWith(".marks")) rmSync(join(killed, name), { recursive: true });
    const { store: left, damage } = await open(killed, boot);
    expect(damage?.why.code).toBe("storage.corrupt");
    expect(await left.floor(OWNER)).toBe(3);
  }
});

it("treats marks of another boot as older than the journal", async () => {
  await history();
  kill();
  cpSync(join(killed, "journal.db.marks"), join(live, "marks.old"));
  await store?.put(entry(3, { state: final(3, 3, false) }));
  await store?.put(entry(2, { state: final(2, 2, false) }));
  kill();
  cpSync(join(live, "marks.old"), join(killed, "journal.db.marks"));
  expect((await open(killed, "boot-2")).damage).toBeUndefined();
});

it("does not report pruned commands as missing", async () => {
  await history();
  await store?.put(entry(4, { state: final(4, 4, true) }));
  await store?.prune({ finishedBeforeWallMs: 100, entriesMax: 100, bytesMax: 1_000_000 });
  kill();
  const { store: left, damage } = await open(killed);
  expect(damage).toBeUndefined();
  expect(await left.get("c4", 1)).toBeUndefined();
  expect(await left.floor(OWNER)).toBe(4);
});

if (process.platform !== "linux") reportLeftOut("the open files of a journal that cannot be repaired", `they are read from /proc, and this machine runs ${process.platform}`);
it.runIf(process.platform === "linux")("keeps no file of a journal open that cannot be repaired", async () => {
  await history();
  kill();
  truncateSync(join(killed, "journal.db-wal"), WAL_HEADER_BYTES);
  const sync = vi.spyOn(SqliteFile.prototype, "sync").mockRejectedValue(Object.assign(new Error("no space"), { code: "ENOSPC", syscall: "fdatasync", errno: -28 }));
  const opening = await openJournal({ path: join(killed, "journal.db"), quarantine: new Quarantine(join(killed, "quarantine"), 10_000_000), wallMs: 7, boot: BOOT });
  sync.mockRestore();
  expect(opening).toMatchObject({ kind: "unusable", why: { code: "storage.full" } });
  expect(openFiles().filter((path) => path.startsWith(killed))).toEqual([]);
});

function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor of this listing itself.
      return [];
    }
  });
}
