import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mountSmallDisk } from "../../../agent/node/sqlite/testing/small-disk.ts";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { findTestChromium } from "../testing/find-chromium.ts";
import { freeProfile } from "./profile-guard.ts";

const browser = findTestChromium();
const disk = browser === undefined ? { why: "no Chromium or Chrome is on this machine" } : mountSmallDisk(4 * 1024 * 1024);
if ("why" in disk) reportLeftOut("the player host on a read-only disk", disk.why);

test.skipIf("why" in disk)("on a disk that is read-only the picture comes all the same, and what is missing is said", async () => {
  if ("why" in disk) return;
  const sockets = mkdtempSync(join(tmpdir(), "vitrine-ro-"));
  const data = join(disk.folder, "device");
  mkdirSync(data);
  disk.remount("ro");
  const { folder, path } = playerSocketPath(socketPlaceOf(sockets));
  mkdirSync(folder, { mode: 0o700 });
  const agent = new FakeAgent(path, { kind: "offline", message: "read-only" });
  await agent.start();
  const env = { ...process.env, VITRINE_SOCKETS_DIR: sockets, TMPDIR: sockets };
  const host = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "--data", data, "--browser", browser ?? "", "--headless"], { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  host.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  try {
    const seen = await agent.hears("stage", 0, ({ picture }) => picture.verdict === "showing", 50_000);
    expect(seen.stage).toEqual({ kind: "screen", screen: "offline" });
    expect(said).toContain("the browser profile cannot be written to the data folder");
    expect(said).toContain("starts on a disk that takes nothing");
    // The log cannot say that it is not written: the agent is told.
    const told = await agent.hears("log-trouble", 0);
    expect(told.trouble).toMatchObject({ code: "log.not-written", message: expect.stringContaining("EROFS") as string });
  } finally {
    const ended = new Promise((done) => host.once("exit", done));
    host.kill("SIGTERM");
    await ended;
    await agent.stop();
    disk.remount("rw");
    await freeProfile(join(data, "player", "chromium"), silentLog);
    disk.dispose();
    rmSync(sockets, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
});
