import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { findTestChromiums } from "../testing/find-chromium.ts";
import { freeProfile } from "./profile-guard.ts";

const [newest = "", older] = findTestChromiums();
if (older === undefined) reportLeftOut("an older browser over a newer one's profile", "VITRINE_BROWSERS names no second version of Chromium");

/** Tells its server what it finds in its stores, writes to them, and tells that it has. */
const PAGE = `<!doctype html><body style="background:rgb(0,90,200)">a page with data<script>
(async () => {
  const db = await new Promise((done, failed) => {
    const opening = indexedDB.open("plays", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("rows");
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => failed(opening.error);
  });
  const row = await new Promise((done) => (db.transaction("rows").objectStore("rows").get("row").onsuccess = ({ target }) => done(target.result ?? null)));
  await fetch("/found", { method: "POST", body: JSON.stringify({ local: localStorage.getItem("seat"), row }) });
  localStorage.setItem("seat", "kept");
  const writing = db.transaction("rows", "readwrite", { durability: "strict" });
  writing.objectStore("rows").put("kept", "row");
  writing.oncomplete = () => fetch("/written", { method: "POST" });
})();
</script>`;

/** An update can bring a newer browser and go back. The profile is the same, and no dialog may come over the picture. */
test.skipIf(older === undefined)("an older browser over a newer one's profile shows the page, and the page has its data", async () => {
  const asked: { readonly path: string; readonly body: string }[] = [];
  const site = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (request.method === "POST") asked.push({ path: request.url ?? "", body });
      response.setHeader("content-type", "text/html").end(request.method === "POST" ? "" : PAGE);
    });
  });
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  const dataDir = await mkdtemp(join(tmpdir(), "vitrine-older-"));
  const profile = join(dataDir, "player", "chromium");
  const { path } = playerSocketPath({ dataDir, tmpDir: tmpdir(), dataDirSha256Hex: createHash("sha256").update(dataDir).digest("hex") });
  const agent = new FakeAgent(path, { kind: "content", content: { kind: "url", id: "with-data", url, grants: [] } });
  await agent.start();
  const versions: string[] = [];

  /** Shows the page with this browser, and returns what the page found. */
  async function show(browser: string): Promise<unknown> {
    const [from, heard] = [asked.length, agent.heard.length];
    const host = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "--data", dataDir, "--browser", browser, "--headless", "--window-size", "640x360"], { stdio: "ignore" });
    try {
      await agent.hears("stage", heard, ({ stage, picture }) => stage.kind === "playing" && picture.verdict === "showing", 50_000);
      await expect.poll(() => asked.slice(from).some(({ path: told }) => told === "/written"), { timeout: 10_000 }).toBe(true);
      versions.push(await readFile(join(profile, "Last Version"), "utf8"));
      return JSON.parse(asked[from]?.body ?? "null") as unknown;
    } finally {
      await end(host);
    }
  }

  try {
    expect(await show(newest)).toEqual({ local: null, row: null });
    for (const browser of [older ?? "", newest]) expect(await show(browser)).toEqual({ local: "kept", row: "kept" });
    // The profile was the same, and really a newer one's.
    expect(Number.parseInt(versions[1] ?? "", 10)).toBeLessThan(Number.parseInt(versions[0] ?? "", 10));
  } finally {
    await agent.stop();
    await new Promise((done) => {
      site.closeAllConnections();
      site.close(done);
    });
    await freeProfile(profile, silentLog);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}, 200_000);

async function end(host: ChildProcess): Promise<void> {
  const ended = new Promise((done) => host.once("exit", done));
  host.kill("SIGTERM");
  await ended;
}
