import { join } from "node:path";
import { askAgent } from "../../../agent/node/local-api/local-client.ts";
import { pauseMs } from "../harness/agent-process.ts";
import type { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import { keyResult, untilEither, want, whereIs, type Scenario, type Stage } from "./scenario.ts";

const PREPARE_MS = 10_000;

const lastId = new WeakMap<DeviceRig, string>();

function command(name: string, send: (stage: Stage) => string | undefined): Scenario {
  return {
    name,
    fresh: false,
    act(stage) {
      const id = send(stage);
      if (id === undefined) stage.rig.ledger.faults.push(`${name}: the cloud did not accept the command`);
      else lastId.set(stage.rig, id);
    },
    done: ({ rig }) => {
      const row = rig.row(lastId.get(rig) ?? "");
      return row !== undefined && ["succeeded", "failed", "rejected", "expired", "timed-out", "canceled"].includes(row.state);
    },
  };
}

/** Far from the value before, so that a missing effect cannot pass for one within tolerance. */
const percentOf = (n: number): number => (n * 37) % 100;

const FIRST_START: Scenario = {
  name: "first start, claim and first desired state",
  fresh: true,
  act: () => undefined,
  done: ({ rig }) => {
    const { store } = rig.cloud.dev.cloud.context;
    const row = store.devices().find(({ id }) => id === rig.deviceId);
    return row?.owner !== undefined && store.document(row.id, "profile") !== undefined && (store.document(row.id, "reported")?.version ?? 0) > 0;
  },
};

const DESIRED: Scenario = {
  name: "desired and reported state",
  fresh: false,
  act(stage) {
    want(stage, { audio: { volume: percentOf(stage.n) }, player: { config: { n: stage.n } }, log: { level: stage.n % 2 === 0 ? "info" : "warn" } });
  },
  done: (stage) => {
    const volume = keyResult(stage, "audio.volume");
    return volume?.status === "applied" && volume.observed === percentOf(stage.n);
  },
};

const CONTENT: Scenario = {
  name: "content package fetched, unpacked and switched to",
  fresh: false,
  act: (stage) => want(stage, { content: stage.contents.content(`${stage.rig.deviceId.slice(0, 8)}-${stage.n}`) }),
  done: (stage) => keyResult(stage, "content")?.status === "applied",
};

const RECORDS = 24;
const offeredBefore = new WeakMap<DeviceRig, number>();

/** A fixed number of records, so that the number of durable writes is limited and each can be covered. */
const OUTBOX: Scenario = {
  name: `outbox: ${RECORDS} plays and events`,
  fresh: false,
  act: ({ rig, player }) => {
    offeredBefore.set(rig, rig.ledger.pages.size);
    player.offer(RECORDS, 150, 3);
  },
  done: ({ rig, player }) =>
    player.unanswered === 0 && rig.ledger.pages.size >= (offeredBefore.get(rig) ?? 0) + RECORDS && rig.cloud.playsOf(rig.deviceId) >= plays(rig),
};

function plays(rig: DeviceRig): number {
  return [...rig.ledger.pages.values()].filter(({ stream, fate }) => stream === "play" && fate.kind === "stored").length;
}

/** The agent ended during a pulse; the next start determines and writes the command's outcome. */
const AFTER_CRASH: Scenario = {
  ...command("start after a crash in the middle of a pulse", () => undefined),
  fromStart: true,
  async prepare({ rig }) {
    const id = rig.command("long", "gpio.pulse", { line: "GPIO6", durationMs: 5_000 }, { kind: "pulse", line: "GPIO6" })?.id ?? "";
    lastId.set(rig, id);
    await untilEither(rig, () => rig.row(id)?.state === "delivered" || rig.row(id)?.state === "running", PREPARE_MS);
    await pauseMs(150);
    rig.agent?.kill("SIGKILL");
    if (rig.agent !== undefined) rig.noteEnd(await rig.agent.ended);
  },
  act: () => undefined,
};

const AFTER_REBOOT: Scenario = {
  ...command("start after a reboot that a command asked for", () => undefined),
  fromStart: true,
  async prepare({ rig }) {
    lastId.set(rig, rig.command("reboot", "reboot", {}, { kind: "boot" })?.id ?? "");
    await untilEither(rig, () => false, PREPARE_MS);
    if (rig.agent?.end !== undefined) rig.noteEnd(rig.agent.end);
    else rig.ledger.faults.push("the reboot did not happen");
  },
  act: () => undefined,
};

/** Network settings that work at the simulated site. Each run has another address, because a failed one is not retried soon. */
function networkOf(n: number): { readonly network: { readonly interfaces: Record<string, unknown> } } {
  return { network: { interfaces: { eth0: { method: "static", address: `192.0.2.${2 + (n % 250)}/24`, gateway: "192.0.2.1", dns: ["192.0.2.53"] } } } };
}

const NETWORK_KEPT: Scenario = {
  name: "network settings tried and kept",
  fresh: false,
  act: (stage) => want(stage, networkOf(stage.n) as never),
  done: (stage) => ended(keyResult(stage, "network")?.status),
};

/** The alarm for a change that was undone stays raised until another change is kept. */
const NETWORK_UNDONE: Scenario = {
  name: "network settings refused by the machine, undone, with an alarm",
  fresh: false,
  async prepare(stage) {
    await settingsMood(stage, "obeys");
    want(stage, networkOf(stage.n * 2) as never);
    await untilEither(stage.rig, () => ended(keyResult(stage, "network")?.status), PREPARE_MS);
    await settingsMood(stage, "refuses");
  },
  act: (stage) => want(stage, networkOf(stage.n * 2 + 1) as never),
  done: (stage) => ended(keyResult(stage, "network")?.status),
};

function ended(status: string | undefined): boolean {
  return status === "applied" || status === "failed" || status === "refused";
}

async function settingsMood({ rig }: Stage, mood: "obeys" | "refuses"): Promise<void> {
  const done = await askAgent(join(rig.place.data, "run", "agent.sock"), "simulated.apply", { action: "network.settings-mood", params: { mood } }, 3_000);
  if (!done.ok) rig.ledger.faults.push(`the simulated machine did not accept its mood: ${done.error.message}`);
}

/** A move to the other cloud, each time by another address, because a failed one is not retried soon. */
export const MIGRATION: Scenario = {
  name: "move to another cloud",
  fresh: false,
  act(stage) {
    const { rig, other, n } = stage;
    const from = whereIs(stage);
    if (from === undefined) return;
    const to = from === other ? rig.cloud : other;
    targets.set(rig, to);
    want(stage, { cloud: { endpoints: [`${to.endpoint}?move=${n}`] }, player: { config: { n } } }, from);
  },
  done: (stage) => {
    const to = targets.get(stage.rig);
    return to !== undefined && whereIs(stage) === to;
  },
};

const targets = new WeakMap<DeviceRig, ProofCloud>();

export const SCENARIOS: readonly Scenario[] = [
  FIRST_START,
  command("gpio.pulse", ({ rig }) => rig.command("pulse", "gpio.pulse", { line: "GPIO4", durationMs: 20 }, { kind: "pulse", line: "GPIO4" })?.id),
  command("gpio.write", ({ rig, n }) => {
    const level = (n % 2) as 0 | 1;
    return rig.command("level", "gpio.write", { line: "GPIO12", level }, { kind: "level", line: "GPIO12", level })?.id;
  }),
  command("display.brightness", ({ rig, n }) => {
    const percent = percentOf(n);
    return rig.command("brightness", "display.brightness", { percent }, { kind: "value", part: "display", key: "brightness", value: percent })?.id;
  }),
  command("reload-player", ({ rig }) => rig.command("player", "reload-player", {}, { kind: "asked", what: "reload" })?.id),
  command("reboot", ({ rig }) => rig.command("reboot", "reboot", {}, { kind: "boot" })?.id),
  AFTER_CRASH,
  AFTER_REBOOT,
  DESIRED,
  CONTENT,
  OUTBOX,
  NETWORK_KEPT,
  NETWORK_UNDONE,
];
