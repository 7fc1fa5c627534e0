import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";
import { compositorRoot } from "../compositor/compositor-root.ts";
import { CompositorSession } from "../compositor/testing/compositor-session.ts";
import { AGENT, AGENT_MAIN, asUser, endProcess, LINK_GROUP, PLAYER, STRANGER, TwoUserPlace, whyNoOtherUsers } from "./testing/other-users.ts";

const why = whyNoOtherUsers();
if (why !== undefined) reportLeftOut("agent and player host as two users", why);

/** What one user can access: each line of the probe's answer is `name result`. */
function probe(uid: number, groups: readonly number[], place: string): Readonly<Record<string, string>> {
  const [program, ...args] = asUser({ uid, groups }, process.execPath, ["-e", PROBE, place]);
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Record<string, string>;
}

/** Plain Node: reports what it can read, list, create and connect to. */
const PROBE = `
const fs = require("node:fs"), net = require("node:net"), { join } = require("node:path");
const place = process.argv[1], said = {};
const attempt = (name, run) => { try { run(); said[name] = "yes"; } catch (e) { said[name] = e.code; } };
attempt("the device's key", () => fs.readFileSync(join(place, "agent/identity/device.key")));
attempt("the journal", () => fs.readFileSync(join(place, "agent/journal.sqlite")));
attempt("the queue", () => fs.readFileSync(join(place, "agent/outbox.sqlite")));
attempt("the agent's log", () => fs.readFileSync(join(place, "agent/logs/agent.log")));
attempt("listing the agent's folder", () => fs.readdirSync(join(place, "agent")));
attempt("a package", () => fs.readFileSync(join(place, "content/abc/index.html")));
attempt("writing a package", () => fs.writeFileSync(join(place, "content/abc/index.html"), "mine"));
attempt("removing the socket", () => fs.rmSync(join(place, "sockets/run/player.sock")));
const connect = (name) => new Promise((done) => {
  const socket = net.connect(join(place, "sockets/run", name));
  socket.on("error", (e) => { said[name] = e.code; done(); });
  socket.on("close", () => { said[name] ??= "closed without a word"; done(); });
  socket.on("connect", () => {
    if (name !== "player.sock") { said[name] = "yes"; socket.destroy(); done(); return; }
    socket.write(JSON.stringify({ t: "host-hello", version: 1, instance: "0000000000000000", pid: process.pid, shell: "probe 1" }) + "\\n");
  });
  socket.once("data", (data) => { said[name] = JSON.parse(data.toString().split("\\n")[0]).t; socket.destroy(); done(); });
});
connect("player.sock").then(() => connect("agent.sock")).then(() => console.log(JSON.stringify(said)));
`;

describe.skipIf(why !== undefined)("agent and player host are two users", () => {
  let users: TwoUserPlace;
  let place = "";
  let agent: ChildProcess | undefined;

  beforeAll(async () => {
    users = new TwoUserPlace();
    place = users.root;
    agent = users.startAgent();
    for (const name of ["player.sock", "agent.sock"]) {
      await vi.waitUntil(() => existsSync(join(place, "sockets/run", name)), { timeout: 50_000 });
    }
    // A package as the agent stores it: folder and files inherit their group.
    const [sh, ...words] = asUser({ uid: AGENT, groups: [LINK_GROUP] }, "sh", ["-c", `umask 0027; mkdir ${place}/content/abc; echo hello > ${place}/content/abc/index.html`]);
    expect(spawnSync(sh, words).status).toBe(0);
  }, 60_000);

  afterAll(async () => {
    await endProcess(agent);
    users.remove();
  });

  test("the player host's user can use its socket and read packages, but not the key, journal, outbox, log or the command line's socket", () => {
    expect(probe(PLAYER, [LINK_GROUP], place)).toEqual({
      "the device's key": "EACCES",
      "the journal": "EACCES",
      "the queue": "EACCES",
      "the agent's log": "EACCES",
      "listing the agent's folder": "EACCES",
      "a package": "yes",
      "writing a package": "EACCES",
      "removing the socket": "EACCES",
      "player.sock": "agent-hello",
      "agent.sock": "EACCES",
    });
  });

  test("any other user has no access at all", () => {
    expect(new Set(Object.values(probe(STRANGER, [], place)))).toEqual(new Set(["EACCES"]));
  });

  test("the modes agree: the group may enter the folder and use one socket", () => {
    const modeOf = (name: string): string => (statSync(join(place, "sockets/run", name)).mode & 0o7777).toString(8);
    expect([modeOf("."), modeOf("player.sock"), modeOf("agent.sock")]).toEqual(["710", "660", "600"]);
    expect(statSync(join(place, "sockets/run/player.sock")).gid).toBe(LINK_GROUP);
  });

  test("an agent outside the group reports that and keeps its sockets to itself", async () => {
    const lonely = join(place, "lonely");
    mkdirSync(lonely);
    chownSync(lonely, AGENT, AGENT);
    const [program, ...args] = asUser({ uid: AGENT }, process.execPath, [AGENT_MAIN, "--data", lonely, "--platform", "simulated", "--player-group", String(LINK_GROUP)]);
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env["PATH"] } });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await expect.poll(() => existsSync(join(lonely, "run/player.sock")), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => statSync(join(lonely, "run/player.sock")).mode & 0o777).toBe(0o600);
    await endProcess(child);
    expect(said).toContain("player.group-not-ours");
  }, 60_000);
});

const compositorHome = why === undefined ? compositorRoot() : undefined;
if (compositorHome === undefined) reportLeftOut("the compositor's socket as two users", why ?? "the Debian 13 of the compositors has not been made; npm test makes it");

describe.skipIf(compositorHome === undefined)("the compositor's socket", () => {
  const text = readFileSync(join(import.meta.dirname, "vitrine-player.service"), "utf8");
  const setting = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];
  let users: TwoUserPlace;
  let session: CompositorSession;

  beforeAll(async () => {
    users = new TwoUserPlace();
    // As systemd makes it: owner and group of the unit.
    const runtimeDir = users.path("runtime");
    mkdirSync(runtimeDir);
    chownSync(runtimeDir, PLAYER, LINK_GROUP);
    chmodSync(runtimeDir, Number.parseInt(setting("RuntimeDirectoryMode") ?? "", 8));
    session = new CompositorSession({ root: compositorHome ?? "", command: ["labwc"], uid: PLAYER, gid: LINK_GROUP, umask: setting("UMask") ?? "", runtimeDir });
    await session.start();
  }, 60_000);

  afterAll(async () => {
    await session.close();
    users.remove();
  });

  /** What the compositor answers to a user: the power of its outputs, or the code of the failure. */
  const asked = (uid: number, groups: readonly number[]): string => {
    const program = `
      const { WlrCompositor } = await import(${JSON.stringify(join(import.meta.dirname, "../../platform/linux/compositor/wlr-compositor.ts"))});
      const { systemClock, SystemTimers } = await import(${JSON.stringify(join(import.meta.dirname, "../../platform/linux/system-clock.ts"))});
      const compositor = new WlrCompositor({ socketPath: ${JSON.stringify(session.socketPath)}, clock: systemClock, timers: new SystemTimers() });
      const turned = await compositor.setOrientation("HEADLESS-1", 180);
      console.log(turned.ok ? "turned" : turned.error.code);
    `;
    const [command, ...args] = asUser({ uid, groups }, process.execPath, ["--input-type=module", "-e", program]);
    const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 30_000 });
    expect(stderr).toBe("");
    return stdout.trim();
  };

  test("the agent's user can change outputs through the group, and any other user has no access", () => {
    expect(asked(AGENT, [LINK_GROUP])).toBe("turned");
    expect(asked(STRANGER, [])).toBe("compositor.no-access");
    expect(asked(AGENT, [])).toBe("compositor.no-access");
  }, 100_000);

  test("a compositor that ends is started again, since it ends with code 0", () => {
    expect(setting("Restart")).toBe("always");
  });
});

function whyNoSysusers(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can make users, even in a root folder of its own";
  return spawnSync("systemd-sysusers", ["--version"]).error === undefined ? undefined : "systemd-sysusers is not there";
}

describe("the unit files", () => {
  const has = spawnSync("systemd-analyze", ["--version"]).error === undefined;
  if (!has) reportLeftOut("systemd-analyze verify and security", "systemd-analyze is not there");

  /** Exposure as rated by systemd, 0 to 10; the limits are what the units reached, rounded up. */
  test.skipIf(!has).each([["vitrine-agent.service", 20], ["vitrine-player.service", 50], ["vitrine-reset@.service", 65]] as const)("%s passes verify and is exposed to at most %i tenths", async (name, ceilingTenths) => {
    const { readFile } = await import("node:fs/promises");
    const folder = mkdtempSync(join(tmpdir(), "vitrine-units-"));
    try {
      // `verify` requires every program to exist; this machine need not be a player.
      const text = (await readFile(join(import.meta.dirname, name), "utf8")).replaceAll(/\/usr\/lib\/vitrine\/bin\/(?:launch|vitrine-reset)/g, process.execPath);
      writeFileSync(join(folder, name), text);
      const verified = spawnSync("systemd-analyze", ["verify", join(folder, name)], { encoding: "utf8" });
      expect(verified.stderr.split("\n").filter((line) => line.includes(name))).toEqual([]);
      const rated = spawnSync("systemd-analyze", ["security", "--offline=true", `--threshold=${ceilingTenths}`, "--no-pager", join(folder, name)], { encoding: "utf8" });
      expect(rated.status, rated.stdout.slice(-300) + rated.stderr).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("every group that a unit asks for is made by sysusers.conf or is Debian's own: systemd does not start a unit with an unknown group", async () => {
    const { readFile } = await import("node:fs/promises");
    const read = (name: string): Promise<string> => readFile(join(import.meta.dirname, name), "utf8");
    const made = [...(await read("sysusers.conf")).matchAll(/^[gu] (\S+)/gm)].map(([, name]) => name);
    const units = await Promise.all(["vitrine-agent.service", "vitrine-player.service"].map(read));
    const asked = units.flatMap((unit) => [...unit.matchAll(/^(?:Supplementary)?Groups?=(.*)$/gm)].flatMap(([, names = ""]) => names.split(" ")));
    expect(asked).toContain("gpio");
    expect(asked.filter((name) => ![...made, "video", "render", "audio", "input"].includes(name))).toEqual([]);
  });

  const noSysusers = whyNoSysusers();
  if (noSysusers !== undefined) reportLeftOut("systemd-sysusers on sysusers.conf", noSysusers);

  test.skipIf(noSysusers !== undefined)("sysusers.conf creates both users and the group, in a separate root", async () => {
    const { readFile } = await import("node:fs/promises");
    const folder = mkdtempSync(join(tmpdir(), "vitrine-root-"));
    mkdirSync(join(folder, "etc"));
    try {
      const made = spawnSync("systemd-sysusers", [`--root=${folder}`, "-"], { input: await readFile(join(import.meta.dirname, "sysusers.conf"), "utf8"), encoding: "utf8" });
      expect(made.status, made.stderr).toBe(0);
      expect(await readFile(join(folder, "etc/group"), "utf8")).toMatch(/^vitrine-link:x:\d+:vitrine-agent,vitrine-player$/m);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
