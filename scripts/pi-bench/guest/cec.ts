/** The CEC suites on the kernel's vivid driver: cec0 is the TV, played by cec-follower, cec1 is ours; a cable joins them. */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CecDriver } from "../../../platform/displays/cec/cec-driver.ts";
import { ObservedDisplay } from "../../../platform/displays/observed-display.ts";
import { openCecAdapters } from "../../../platform/linux/cec/open-cec-adapters.ts";
import type { LinuxCec } from "../../../platform/linux/cec/linux-cec.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { cecConformance, type CecBench } from "../../../platform/ports/cec.conformance.ts";
import { physicalAddressText } from "../../../platform/ports/cec-events.ts";
import type { HeardMessage } from "../../../platform/ports/cec.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";

const FOLLOWER_LOG = "/tmp/follower.log";
const timers = new SystemTimers();
let follower: ChildProcess | undefined;

/** Asynchronous, because this process has to answer while the tool asks. */
async function cecCtl(...args: string[]): Promise<string> {
  return (await promisify(execFile)("cec-ctl", args)).stdout;
}

async function pass(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Waits until `holds`, at most 20 s. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await holds()) return;
    await pass(200);
  }
  throw new Error(`not so within 20 s: ${what}`);
}

function startTv(): void {
  writeFileSync(FOLLOWER_LOG, "");
  follower = spawn("cec-follower", ["-d", "/dev/cec0", "-v"], { stdio: ["ignore", "pipe", "inherit"] });
  follower.stdout?.on("data", (chunk: Buffer) => appendFileSync(FOLLOWER_LOG, chunk));
}

async function stopTv(): Promise<void> {
  const ended = new Promise((resolve) => follower?.once("close", resolve));
  follower?.kill("SIGKILL");
  await ended;
  follower = undefined;
}

async function open(only: "cec1" | "cec3" = "cec1"): Promise<LinuxCec> {
  const { buses, issues } = await openCecAdapters({ root: "/", timers, osdName: "Vitrine", only: [only] });
  expect(issues()).toEqual([]);
  const [bus] = buses;
  if (bus === undefined) throw new Error(`there is no /dev/${only}`);
  return bus.cec;
}

beforeAll(async () => {
  // Two outputs: cec0 and cec1 are one cable, cec2 and cec3 another.
  execFileSync("modprobe", ["vivid", "n_devs=2"]);
  await until("vivid's adapters are there", () => execFileSync("ls", ["/dev"], { encoding: "utf8" }).includes("cec3"));
  await cecCtl("-d", "/dev/cec0", "--tv", "-o", "TV");
  startTv();
  await pass(1_000);
});
afterAll(stopTv);

describe("on the bus", () => {
  cecConformance("vivid", async () => {
    const cec = await open();
    // The suite expects a TV that is on.
    await cec.send({ destination: 0, opcode: 0x04, operands: new Uint8Array() }, 0);
    const tvSays: CecBench["tvSays"] = async ({ toAll, opcode, operands }) => {
      const payload = operands.length === 0 ? [] : [`payload=${operands.join(":")}`];
      await cecCtl("-d", "/dev/cec0", "-s", "--to", toAll ? "15" : "4", "--custom-command", [`cmd=${opcode}`, ...payload].join(","));
    };
    return { cec, time: realBenchTime(), tvSays, close: () => cec.close() };
  }, { moods: false });
});

describe("a playback device on the bus", () => {
  let cec: LinuxCec;
  beforeEach(async () => {
    cec = await open();
  });
  afterEach(() => cec.close());

  test("claims an address and is known to the TV by its name", async () => {
    await cec.send({ destination: 0, operands: new Uint8Array() }, 0);
    expect(await cecCtl("-d", "/dev/cec1")).toMatch(/Logical Address\s*: 4 \(Playback Device 1\)/);
    expect(await cecCtl("-d", "/dev/cec0", "-s", "--to", "4", "--give-osd-name")).toContain("name: Vitrine");
  });

  test("answers its power status and refuses what it does not know", async () => {
    expect(await cecCtl("-d", "/dev/cec0", "-s", "--to", "4", "--give-device-power-status")).toContain("pwr-state: on");
    expect(await cecCtl("-d", "/dev/cec0", "-s", "--to", "4", "--give-deck-status", "status-req=once")).toContain("FEATURE_ABORT");
  });

  test("hears the remote's keys and a standby for everybody", async () => {
    const heard: HeardMessage[] = [];
    cec.onMessage((message) => heard.push(message));
    await cecCtl("-d", "/dev/cec0", "-s", "--to", "4", "--user-control-pressed", "ui-cmd=up", "--user-control-released");
    await cecCtl("-d", "/dev/cec0", "-s", "--to", "15", "--standby");
    await until("three messages were heard", () => heard.length >= 3);
    expect(heard.map(({ source, destination, opcode, operands }) => [source, destination, opcode, ...operands])).toEqual([
      [0, 4, 0x44, 0x01],
      [0, 4, 0x45],
      [0, 15, 0x36],
    ]);
  });

  test("says that it is shown when the TV asks for its address, and whenever somebody asks who is", async () => {
    await cec.send({ destination: 0, operands: new Uint8Array() }, 0);
    const address = await cec.physicalAddress();
    expect(address).toMatchObject({ ok: true });
    await cecCtl("-d", "/dev/cec0", "-s", "--to", "15", "--set-stream-path", `phys-addr=${address.ok ? physicalAddressText(address.value) : ""}`);
    await until("the TV heard who is shown", async () => (await cecCtl("-d", "/dev/cec0", "-s", "--to", "15", "--request-active-source")).includes("ACTIVE_SOURCE (0x82)"));
  });

  test("without a cable says so at once, and claims its address again when the cable is back", async () => {
    const status = { destination: 0, opcode: 0x8f, operands: new Uint8Array() };
    execFileSync("v4l2-ctl", ["-d", "/dev/video0", "--clear-edid=3"]);
    await until("the cable is out", async () => (await cecCtl("-d", "/dev/cec1")).includes("f.f.f.f"));
    expect(await cec.send(status, 1_000)).toMatchObject({ ok: false, error: { code: "cec.unplugged" } });
    execFileSync("v4l2-ctl", ["-d", "/dev/video0", "--set-edid=pad=3,type=hdmi"]);
    await until("the cable is in", async () => !(await cecCtl("-d", "/dev/cec1")).includes("f.f.f.f"));
    expect(await cec.send(status, 1_000)).toMatchObject({ ok: true, value: { acknowledged: true } });
  });
});

describe("several adapters", () => {
  test("each reach the TV on their own cable", async () => {
    await cecCtl("-d", "/dev/cec2", "--tv", "-o", "Other");
    const [one, other] = [await open("cec1"), await open("cec3")];
    const name = { destination: 0, opcode: 0x46, operands: new Uint8Array() };
    try {
      await cecCtl("-d", "/dev/cec2", "--clear");
      const poll = { destination: 0, operands: new Uint8Array() };
      expect(await one.send(poll, 0)).toMatchObject({ value: { acknowledged: true } });
      expect(await other.send(poll, 0)).toMatchObject({ value: { acknowledged: false } });
      await cecCtl("-d", "/dev/cec2", "--tv", "-o", "Other");
      await until("the other TV is there", async () => {
        const sent = await other.send(name, 1_000);
        return sent.ok && sent.value.acknowledged;
      });
    } finally {
      await one.close();
      await other.close();
    }
  });
});

describe("an adapter whose driver is taken away and comes back", () => {
  const DRIVER = "/sys/bus/platform/drivers/vivid";
  const status = { destination: 0, opcode: 0x8f, operands: new Uint8Array() };

  test("fails what is under way with a code, and is used again, without a restart of the agent", async () => {
    const cec = await open();
    const heard: number[] = [];
    cec.onMessage(({ opcode }) => heard.push(opcode));
    await stopTv();
    try {
      // Nobody answers, so this one is under way when the driver goes.
      const underWay = cec.send(status, 1_000);
      writeFileSync(`${DRIVER}/unbind`, "vivid.0");
      expect(await underWay).toMatchObject({ ok: false, error: { code: "cec.bus" } });
      expect(await cec.send(status, 1_000)).toMatchObject({ ok: false, error: { code: "cec.bus" } });
      writeFileSync(`${DRIVER}/bind`, "vivid.0");
      await until("vivid's adapters are there again", () => execFileSync("ls", ["/dev"], { encoding: "utf8" }).includes("cec1"));
      await cecCtl("-d", "/dev/cec0", "--tv", "-o", "TV");
      startTv();
      await until("the adapter is used again", async () => {
        const sent = await cec.send(status, 1_000);
        return sent.ok && sent.value.reply !== undefined;
      });
      await cecCtl("-d", "/dev/cec0", "-s", "--to", "15", "--standby");
      await until("it hears the TV again", () => heard.includes(0x36));
    } finally {
      await cec.close();
    }
  });
});

describe("a TV on the bus", () => {
  let cec: LinuxCec;
  let tv: ObservedDisplay;
  beforeEach(async () => {
    cec = await open();
    tv = new ObservedDisplay(new CecDriver({ cec, clock: systemClock, inputs: new Map([["hdmi-1", 0x1000]]) }), { clock: systemClock, timers });
  });
  afterEach(() => cec.close());

  test("goes to standby and comes on, as observed, its own log agrees, and what worked is learnt", async () => {
    const effect = await tv.set("power", "standby");
    expect(effect).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value: "standby" } });
    expect(await tv.set("power", "on")).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value: "on" } });
    expect(readFileSync(FOLLOWER_LOG, "utf8")).toMatch(/STANDBY[\s\S]*IMAGE_VIEW_ON/);
    expect(tv.memory?.known()).toEqual({ "power-off": "standby", "power-on": "image-view-on" });
  });

  test("without an audio status says so, and its log shows that it obeyed a volume key", async () => {
    expect((await tv.status()).volume).toEqual({ kind: "unsupported" });
    await cec.send({ destination: 0, opcode: 0x44, operands: Uint8Array.of(0x41) }, 0);
    await until("the TV's log has the volume key", () => /volume-up/.test(readFileSync(FOLLOWER_LOG, "utf8")));
  });

  test("that refuses an order is told from one that obeys, although the bus acknowledged it", async () => {
    await stopTv();
    try {
      expect(await tv.set("power", "standby")).toMatchObject({ attempted: true, acknowledged: false, error: { code: "display.refused" } });
    } finally {
      startTv();
      await pass(1_000);
    }
  });
});
