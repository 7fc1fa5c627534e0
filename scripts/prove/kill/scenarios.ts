import type { DesiredReport } from "../../../agent/protocol/desired.ts";
import { pauseMs } from "../harness/agent-process.ts";
import type { DeviceRig } from "../harness/device-rig.ts";
import type { ProofCloud } from "../harness/proof-cloud.ts";
import type { ScriptedPlayer } from "../harness/scripted-player.ts";

export interface Stage {
  readonly rig: DeviceRig;
  readonly player: ScriptedPlayer;
  /** A second cloud of the same owner. */
  readonly other: ProofCloud;
  /** Rises with each run, so that every run asks for something new. */
  readonly n: number;
}

/** Something the device goes through, in the middle of which it is killed. */
export interface Scenario {
  readonly name: string;
  /** From an empty data folder each time; the other scenarios go on with one device. */
  readonly fresh: boolean;
  /** Asks for it. */
  act(stage: Stage): void;
  /** Whether it is over, with nothing left to write for it. */
  done(stage: Stage): boolean;
}

const lastId = new WeakMap<DeviceRig, string>();

function command(name: string, send: (stage: Stage) => string | undefined): Scenario {
  return {
    name,
    fresh: false,
    act(stage) {
      const id = send(stage);
      if (id === undefined) stage.rig.ledger.faults.push(`${name}: the cloud did not take the command`);
      else lastId.set(stage.rig, id);
    },
    done: ({ rig }) => {
      const row = rig.row(lastId.get(rig) ?? "");
      return row !== undefined && ["succeeded", "failed", "rejected", "expired", "timed-out", "canceled"].includes(row.state);
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "first start, claim and first desired state",
    fresh: true,
    act: () => undefined,
    done: ({ rig }) => {
      const { store } = rig.cloud.dev.cloud.context;
      const row = store.devices().find(({ id }) => id === rig.deviceId);
      return row?.owner !== undefined && (store.document(row.id, "profile") !== undefined) && (store.document(row.id, "reported")?.version ?? 0) > 0;
    },
  },
  command("gpio.pulse", ({ rig }) => rig.command("pulse", "gpio.pulse", { line: "GPIO4", durationMs: 20 }, { kind: "pulse", line: "GPIO4" })?.id),
  command("display.brightness", ({ rig, n }) => {
    const percent = (n * 37) % 100;
    return rig.command("brightness", "display.brightness", { percent }, { kind: "value", part: "display", key: "brightness", value: percent })?.id;
  }),
  command("reboot", ({ rig }) => rig.command("reboot", "reboot", {}, { kind: "boot" })?.id),
  {
    name: "desired state",
    fresh: false,
    act({ rig, n }) {
      const { cloud } = rig.cloud.dev;
      const device = cloud.context.store.device(rig.deviceId);
      if (device !== undefined) cloud.desired.put(device, { audio: { volume: (n * 37) % 100 }, player: { config: { n } }, log: { level: n % 2 === 0 ? "info" : "warn" } });
    },
    done: ({ rig, n }) => {
      const { store } = rig.cloud.dev.cloud.context;
      const wanted = store.document(rig.deviceId, "desired")?.version ?? Infinity;
      const reported = store.document(rig.deviceId, "reported")?.document as unknown as { readonly desired?: DesiredReport } | undefined;
      const volume = reported?.desired?.keys["audio.volume"];
      return reported?.desired?.version === wanted && volume?.status === "applied" && volume.observed === (n * 37) % 100;
    },
  },
  {
    name: "outbox under load",
    fresh: false,
    act: ({ player }) => player.setRate(150),
    done: ({ rig, n }) => rig.ledger.pages.size > 0 && seenEnough(rig, n),
  },
];

const startedWith = new WeakMap<DeviceRig, { readonly n: number; readonly pages: number }>();

function seenEnough(rig: DeviceRig, n: number): boolean {
  const before = startedWith.get(rig);
  if (before?.n !== n) startedWith.set(rig, { n, pages: rig.ledger.pages.size });
  return before?.n === n && rig.ledger.pages.size > before.pages + 100;
}

/** In which of the two clouds the device is. */
export function whereIs({ rig, other }: Pick<Stage, "rig" | "other">): ProofCloud | undefined {
  return [rig.cloud, other].find((cloud) => cloud.dev.cloud.context.live.get(rig.deviceId) !== undefined);
}

/** A move to whichever cloud the device is not in; each under another address, because one that failed is not tried again soon. */
export const MIGRATION: Scenario = {
  name: "move to another cloud",
  fresh: false,
  act(stage) {
    const { rig, other, n } = stage;
    const from = whereIs(stage);
    if (from === undefined) return;
    const to = from === other ? rig.cloud : other;
    targets.set(rig, to);
    const device = from.dev.cloud.context.store.device(rig.deviceId);
    if (device !== undefined) from.dev.cloud.desired.put(device, { cloud: { endpoints: [`${to.endpoint}?move=${n}`] }, player: { config: { n } } });
  },
  done: (stage) => {
    const to = targets.get(stage.rig);
    return to !== undefined && whereIs(stage) === to;
  },
};

const targets = new WeakMap<DeviceRig, ProofCloud>();

/** Until `holds` or the agent has ended; false when the time was over. */
export async function untilEither(rig: DeviceRig, holds: () => boolean, timeoutMs: number): Promise<"held" | "ended" | "late"> {
  const untilMs = performance.now() + timeoutMs;
  while (performance.now() < untilMs) {
    if (rig.agent?.end !== undefined) return "ended";
    if (holds()) return "held";
    await pauseMs(20);
  }
  return "late";
}
