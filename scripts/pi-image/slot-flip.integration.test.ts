import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STREAM_IDS } from "../../agent/node/sqlite/outbox-schema.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { AGENT, AGENT_MAIN, asUser, endProcess, LINK_GROUP, whyNoOtherUsers } from "../systemd/testing/other-users.ts";
import { declaredPaths } from "./slot-shared.ts";

const CONF = resolve(import.meta.dirname, "../systemd/slot-shared.conf");
const WRITER = resolve(import.meta.dirname, "../../agent/node/sqlite/testing/outbox-writer-child.ts");
const BOOT = join(import.meta.dirname, "testing/boot-slot.sh");
const why = whyNoOtherUsers() ?? (spawnSync("unshare", ["--mount", "true"]).status === 0 ? undefined : "no mount namespace can be made here");
if (why !== undefined) reportLeftOut("the flip between two slots of an A/B image", why);

/** Modes and owners that the package's tmpfiles.conf and units give in a slot. */
const OWNERS: Readonly<Record<string, readonly [uid: number, gid: number, mode: number]>> = {
  "/var/lib/vitrine": [AGENT, AGENT, 0o700],
  "/var/lib/vitrine-content": [AGENT, LINK_GROUP, 0o2750],
};

describe.skipIf(why !== undefined)("an A/B image flips between its slots", () => {
  let place = "";
  let agent: ChildProcess | undefined;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "vitrine-slots-"));
    chmodSync(place, 0o755);
    for (const folder of ["shared", "root"]) mkdirSync(join(place, folder));
    for (const slot of ["a", "b"]) installInto(join(place, slot));
  });
  afterEach(async () => {
    await endProcess(agent);
    rmSync(place, { recursive: true, force: true });
  });

  /** A slot with the folders that the package makes, and its declaration. */
  function installInto(slot: string): void {
    for (const path of declaredPaths(readFileSync(CONF, "utf8"))) {
      const [uid, gid, mode] = OWNERS[path] ?? [0, 0, 0o755];
      mkdirSync(join(slot, path), { recursive: true });
      chownSync(join(slot, path), uid, gid);
      chmodSync(join(slot, path), mode);
    }
    mkdirSync(join(slot, "etc/rpi-image-gen/slot-shared.d"), { recursive: true });
    cpSync(CONF, join(slot, "etc/rpi-image-gen/slot-shared.d/vitrine.conf"));
  }

  /** Boots a slot and runs one of our programs in it, as the agent's user. */
  function boot(slot: string, program: string, ...args: readonly string[]): ChildProcess {
    const command = asUser({ uid: AGENT, groups: [LINK_GROUP] }, process.execPath, [program, ...args]);
    return spawn("unshare", ["--mount", "bash", BOOT, join(place, slot), join(place, "shared"), join(place, "root"), ...command], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env["PATH"] } });
  }

  /** Runs the agent of a slot until it answers, and ends it. */
  async function runAgent(slot: string): Promise<void> {
    agent = boot(slot, AGENT_MAIN, "--data", join(place, "root/var/lib/vitrine"), "--platform", "simulated", "--content-dir", join(place, "root/var/lib/vitrine-content"));
    agent.stdout?.resume();
    await vi.waitUntil(() => existsSync(shared("run/agent.sock")), { timeout: 40_000, interval: 100 });
    await endProcess(agent);
  }

  /** Fills the queue in a slot and cuts its power. */
  async function fillQueue(slot: string): Promise<void> {
    const writer = boot(slot, WRITER, join(place, "root/var/lib/vitrine"), String(64 * 1024 * 1024), "1", "slots", "2");
    const ended = new Promise((done) => writer.once("exit", done));
    let accepted = 0;
    for await (const chunk of writer.stdout ?? []) {
      accepted += String(chunk).match(/^A /gm)?.length ?? 0;
      if (accepted >= 100) writer.kill("SIGKILL");
    }
    await ended;
  }

  const shared = (...names: string[]): string => join(place, "shared/var/lib/vitrine", ...names);
  const key = (): string => (existsSync(shared("identity/device.key")) ? readFileSync(shared("identity/device.key"), "utf8") : "");
  /** Every record in the queue, as `stream/number`. Only while no agent runs, which has the file to itself. */
  function stored(): readonly string[] {
    if (!existsSync(shared("outbox.sqlite"))) return [];
    const database = new DatabaseSync(shared("outbox.sqlite"), { readOnly: true });
    try {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map(({ name }) => String(name));
      const streams = Object.keys(STREAM_IDS).filter((name) => tables.includes(name));
      return streams.flatMap((stream) => database.prepare(`SELECT seq FROM "${stream}"`).all().map(({ seq }) => `${stream}/${String(seq)}`));
    } finally {
      database.close();
    }
  }

  test("the device keeps its key and its queue in the other slot, and back again", async () => {
    await runAgent("a");
    const own = key();
    expect(own).not.toBe("");
    await fillQueue("a");
    const records = stored();
    expect(records).not.toEqual([]);
    for (const slot of ["b", "a"]) {
      await runAgent(slot);
      expect(key()).toBe(own);
      expect(stored()).toEqual(expect.arrayContaining([...records]));
    }
    // Nothing of it was ever in a slot, from where it would be copied over the shared folders at the next boot.
    for (const slot of ["a", "b"]) expect(readdirSync(join(place, slot, "var/lib/vitrine"))).toEqual([]);
    expect(statSync(shared()).uid).toBe(AGENT);
    expect(statSync(shared()).mode & 0o7777).toBe(0o700);
  }, 150_000);

  test("a key that an image carries in its slot would replace the device's at the next boot, which is why an image has to be empty", async () => {
    await runAgent("a");
    expect(key()).not.toBe("");
    mkdirSync(join(place, "b/var/lib/vitrine/identity"));
    writeFileSync(join(place, "b/var/lib/vitrine/identity/device.key"), "the image's");
    spawnSync("unshare", ["--mount", "bash", BOOT, join(place, "b"), join(place, "shared"), join(place, "root"), "true"]);
    expect(key()).toBe("the image's");
  }, 60_000);
});
