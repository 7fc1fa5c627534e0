import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mountSmallDisk } from "../../agent/node/sqlite/testing/small-disk.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { PageSpool } from "../host/page-spool.ts";
import type { SpooledMessage } from "../host/spool-lines.ts";
import { describeSpool, type SpoolUnderTest } from "../host/spool.conformance.ts";
import { FileSpoolStore } from "./file-spool-store.ts";

const disk = mountSmallDisk(2 * 1024 * 1024);
if ("why" in disk) reportLeftOut("the page spool on a full disk", disk.why);
const root = "why" in disk ? mkdtempSync(join(tmpdir(), "vitrine-spool-")) : disk.folder;
afterAll(() => ("why" in disk ? rmSync(root, { recursive: true, force: true }) : disk.dispose()));

describeSpool("files", () => Promise.resolve(filesIn(mkdtempSync(join(root, "spool-")))));

function filesIn(folder: string): SpoolUnderTest {
  const path = join(folder, "player", "spool.jsonl");
  const paths = { text: path, mark: `${path}.mark` };
  const read = (file: string): Uint8Array | undefined => (existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined);
  const write = (file: string, bytes: Uint8Array | undefined): void => {
    rmSync(file, { recursive: true, force: true });
    mkdirSync(dirname(file), { recursive: true });
    if (bytes !== undefined) writeFileSync(file, bytes);
  };
  return {
    open: () => new FileSpoolStore(path),
    text: () => read(path),
    setText: (bytes) => write(path, bytes),
    mark: () => read(paths.mark),
    setMark: (bytes) => write(paths.mark, bytes),
    obstruct: (what) => {
      rmSync(paths[what]);
      mkdirSync(paths[what]);
    },
    hasAside: () => existsSync(`${path}.unread`),
    killAfter: (messages) => keepAndKill(path, messages),
    disk: "why" in disk ? undefined : { fill: () => disk.fill(), makeRoom: () => disk.empty() },
    dispose: async () => {
      if (!("why" in disk)) disk.empty();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function keepAndKill(path: string, messages: readonly SpooledMessage[]): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "testing/keep-until-killed.ts"), path, JSON.stringify(messages)], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await ended;
}

test("a folder that cannot be created does not stop the start, and the spool accepts again once it exists", async () => {
  const folder = mkdtempSync(join(root, "spool-"));
  const path = join(folder, "player", "spool.jsonl");
  await writeFile(join(folder, "player"), "a file where the folder should be");
  const spool = new PageSpool(new FileSpoolStore(path), silentLog);
  await spool.open();
  const play: SpooledMessage = { t: "page-play", id: "p1", play: { item: "a" } };
  expect(await spool.append(play)).toMatchObject({ ok: false, error: { code: "spool.failed" } });
  await rm(join(folder, "player"));
  await mkdir(join(folder, "player"));
  expect(await spool.append(play)).toMatchObject({ ok: true });
  await spool.close();
  const again = new PageSpool(new FileSpoolStore(path), silentLog);
  await again.open();
  expect(again.waiting().map(({ id }) => id)).toEqual(["p1"]);
  await again.close();
});
