import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { askAgent } from "../node/local-api/local-client.ts";
import { linuxSlotMachine } from "./linux-slot-machine.ts";
import { localSlotAgent } from "./local-slot-agent.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const AGENT_MAIN = resolve(import.meta.dirname, "../node/main.ts");
const AUTOBOOT = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";

describe("the judge of slots as a program", () => {
  let place = "";
  const running: ChildProcess[] = [];
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "vitrine-slot-"));
    for (const folder of ["bootfs", "dt/chosen/bootloader", "agent/run"]) mkdirSync(join(place, folder), { recursive: true });
    writeFileSync(join(place, "bootfs/autoboot.txt"), AUTOBOOT);
    writeFileSync(join(place, "dt/chosen/bootloader/tryboot"), Buffer.from([0, 0, 0, 1]));
    writeFileSync(join(place, "boot-id"), "11111111-2222-3333-4444-555555555555\n");
    // Never this machine's own: it would be asked to reboot.
    writeFileSync(join(place, "systemctl"), `#!/bin/sh\necho "$*" >> ${place}/asked\n`);
    chmodSync(join(place, "systemctl"), 0o755);
  });
  afterEach(async () => {
    for (const child of running.splice(0)) await end(child);
    rmSync(place, { recursive: true, force: true });
  });

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await over;
  }

  function startJudge(): ChildProcess {
    const args = ["--bootfs", join(place, "bootfs"), "--device-tree", join(place, "dt"), "--boot-id", join(place, "boot-id"), "--systemctl", join(place, "systemctl"), "--sockets", join(place, "agent/run")];
    const child = spawn(process.execPath, [MAIN, ...args, "--deadline-ms", "3000", "--hold-ms", "500", "--look-ms", "100"], { stdio: "ignore" });
    running.push(child);
    return child;
  }

  const autoboot = (): string => readFileSync(join(place, "bootfs/autoboot.txt"), "utf8");
  const record = (): unknown => JSON.parse(readFileSync(join(place, "bootfs/vitrine-slot.json"), "utf8"));

  test("refused: the real agent stores the outcome once, the machine is asked to reboot, and the firmware's file is as it was", async () => {
    const agent = spawn(process.execPath, [AGENT_MAIN, "--data", join(place, "agent"), "--platform", "simulated"], { stdio: "ignore" });
    running.push(agent);
    await vi.waitUntil(() => existsSync(join(place, "agent/run/agent.sock")), { timeout: 25_000 });
    const judge = startJudge();
    // The stand-in makes the file before it writes its line.
    await vi.waitUntil(() => existsSync(join(place, "asked")) && readFileSync(join(place, "asked"), "utf8").includes("reboot\n"), { timeout: 25_000 });
    expect(readFileSync(join(place, "asked"), "utf8")).toBe("start vitrine-reset@180.service\nreboot\n");
    expect(autoboot()).toBe(AUTOBOOT);
    await end(judge);
    // The old slot: an ordinary boot. The judge tells the agent again.
    writeFileSync(join(place, "dt/chosen/bootloader/tryboot"), Buffer.from([0, 0, 0, 0]));
    writeFileSync(join(place, "boot-id"), "99999999-2222-3333-4444-555555555555\n");
    const again = startJudge();
    await vi.waitUntil(() => again.exitCode === 0, { timeout: 25_000 });
    const events = await askAgent(join(place, "agent/run/agent.sock"), "events", { limit: 500 }, 10_000);
    const stored = (events as { value: { waiting: { body: { name?: string; data?: unknown } }[] } }).value.waiting.filter(({ body }) => body.name?.startsWith("slot."));
    expect(stored.map(({ body }) => body)).toMatchObject([{ name: "slot.refused", data: { bootId: "11111111-2222-3333-4444-555555555555", code: "update.picture-worse" } }]);
    expect(record()).toMatchObject({ from: 2, to: 3, reported: true });
  }, 90_000);

  test("confirmed: the new slot is the default in the firmware's file, and no half file is left", async () => {
    const asked: string[] = [];
    const server = createServer((socket) => {
      socket.once("data", (data) => {
        const { id, method } = JSON.parse(String(data)) as { id: number; method: string };
        asked.push(method);
        socket.end(`${JSON.stringify({ id, result: { owner: { kind: "claimed" }, link: { kind: "online" }, player: { kind: "playing" }, screen: { verdict: "showing" } } })}\n`);
      });
    });
    await new Promise<void>((done) => server.listen(join(place, "agent/run/agent.sock"), done));
    try {
      const judge = startJudge();
      await vi.waitUntil(() => judge.exitCode === 0, { timeout: 25_000 });
    } finally {
      server.close();
    }
    expect(autoboot()).toBe("[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n");
    expect(asked.filter((method) => method === "slot-outcome")).toHaveLength(1);
    expect(readdirSync(join(place, "bootfs")).sort()).toEqual(["autoboot.txt", "vitrine-slot.json"]);
  }, 60_000);

  test("an outcome that is none of ours is refused by the agent", async () => {
    const agent = spawn(process.execPath, [AGENT_MAIN, "--data", join(place, "agent"), "--platform", "simulated"], { stdio: "ignore" });
    running.push(agent);
    await vi.waitUntil(() => existsSync(join(place, "agent/run/agent.sock")), { timeout: 25_000 });
    const answer = await askAgent(join(place, "agent/run/agent.sock"), "slot-outcome", { id: "../x", state: "confirmed", message: "" }, 10_000);
    expect(answer).toMatchObject({ ok: false, error: { code: "local.malformed" } });
  }, 60_000);

  test("the firmware's flag, a missing file and a damaged record are read as what they are", async () => {
    const machine = linuxSlotMachine({ bootfs: join(place, "bootfs"), deviceTree: join(place, "dt"), bootIdFile: join(place, "boot-id") }, () => Promise.reject(new Error("not asked")));
    expect([await machine.isTry(), await machine.record()]).toEqual([true, undefined]);
    writeFileSync(join(place, "bootfs/vitrine-slot.json"), '{"id": 5');
    expect(await machine.record()).toBeUndefined();
    rmSync(join(place, "dt"), { recursive: true });
    rmSync(join(place, "bootfs/autoboot.txt"));
    expect([await machine.isTry(), await machine.autoboot()]).toEqual([false, undefined]);
    expect(await localSlotAgent(join(place, "nobody.sock")).status()).toBeUndefined();
  });
});
