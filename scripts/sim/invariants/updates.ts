import { isJsonObject, type Json } from "../../../platform/runtime/json.ts";
import { WITHOUT_PICTURE } from "../releases.ts";
import type { Invariant } from "./invariant.ts";

const LOOK_EVERY_MS = 15_000;
/** Boots of one trial: the first and two more. */
const BOOTS_MAX = 3;
/** What a start of updater and services, and going back, may add in each boot. */
const MARGIN_MS = 60_000;

/** A device stays on a release that is not confirmed no longer than the trial's limit in each of its boots. Time without power does not count. */
export const trialsEnd: Invariant = {
  name: "trials-end",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      const trial: { version: string; forMs: number; limitMs: number; seenMs: number } = { version: "", forMs: 0, limitMs: 0, seenMs: 0 };
      const look = (): void => {
        sim.time.after("sim.trials", LOOK_EVERY_MS, look);
        const nowMs = sim.time.monotonicMs();
        const { running, confirmed, trial: record } = device.releases;
        if (running === confirmed) Object.assign(trial, { version: "", forMs: 0 });
        else if (running !== trial.version) Object.assign(trial, { version: running, forMs: 0 });
        else if (!device.off) trial.forMs += nowMs - trial.seenMs;
        if (record !== undefined) trial.limitMs = record.deadlineMs;
        trial.seenMs = nowMs;
        if (trial.forMs > (trial.limitMs + MARGIN_MS) * BOOTS_MAX) breach(`${device.id} has been on release ${running} for ${trial.forMs} ms, unconfirmed, with a limit of ${trial.limitMs} ms for each boot`);
      };
      look();
    }
  },
};

/** The release that runs and the one to go back to are there as a whole after every step of the updater. */
export const releasesStayWhole: Invariant = {
  name: "releases-stay-whole",
  watch({ devices }, breach) {
    for (const { id, releases } of devices) {
      releases.onChange.add(() => {
        for (const link of ["confirmed", "current"] as const) if (!releases.isWhole(link)) breach(`${id}: the ${link} release ${releases[link === "current" ? "running" : "confirmed"]} is not there`);
      });
    }
  },
};

/** Bad releases by what a judge could never have seen good of them. A picture that was bad before may stay so: see `noPictureIsLost`. */
const NEVER_GOOD: ReadonlySet<string> = new Set(["does-not-start", "crashes", "cut-off", "bad-package", "needs-package", "older", "bad-signature", "unknown-key"]);

/** Only a release that ran well, and that the vendor made for this device, is ever confirmed; no other is ever switched to against the rules of order and signature. */
export const onlyGoodIsConfirmed: Invariant = {
  name: "only-good-is-confirmed",
  watch({ sim, devices }, breach) {
    for (const { id, releases } of devices) {
      let before = releases.confirmed;
      releases.onChange.add(() => {
        const { confirmed } = releases;
        if (confirmed === before) return;
        before = confirmed;
        sim.ledger.updates.count("confirmed");
        const kind = sim.releases.kindOf(confirmed);
        if (NEVER_GOOD.has(kind)) breach(`${id} confirmed release ${confirmed}, which is bad: ${kind}`);
      });
    }
  },
};

/** So long the picture has to have been right before a switch that the agent knew it when it asked for the release. */
const RIGHT_FOR_MS = 120_000;

/** No release that draws nothing, or the wrong thing, is confirmed on a screen that was right before it and that nobody switched off. */
export const noPictureIsLost: Invariant = {
  name: "no-picture-is-lost",
  watch({ sim, devices }, breach) {
    for (const { id, releases, player, world } of devices) {
      let before = { running: releases.running, confirmed: releases.confirmed };
      let rightSinceMs: number | undefined;
      /** The release on trial is on a screen that was right before it, and lit since. */
      let wasRight = false;
      const isLit = (): boolean => player.output === "on" && world.state.display.power === "on" && world.state.display.mood !== "unplugged";
      const look = (): void => {
        sim.time.after("sim.pictures-before", LOOK_EVERY_MS, look);
        wasRight &&= isLit();
        if (!isLit() || player.presentSinceMs === undefined || player.page?.isRight !== true) rightSinceMs = undefined;
        else rightSinceMs ??= sim.time.monotonicMs();
      };
      look();
      releases.onChange.add(() => {
        const now = { running: releases.running, confirmed: releases.confirmed };
        if (now.running !== before.running) wasRight = rightSinceMs !== undefined && sim.time.monotonicMs() - rightSinceMs >= RIGHT_FOR_MS;
        const kind = sim.releases.kindOf(now.confirmed);
        if (now.confirmed !== before.confirmed && WITHOUT_PICTURE.has(kind) && wasRight && isLit()) breach(`${id} confirmed release ${now.confirmed} (${kind}), and its picture was right before`);
        before = now;
      });
    }
  },
};

/**
 * An outcome says which release runs: the new one, confirmed; or, of one that went back, the one before it, with what the new one left. A job that has an outcome is
 * over: its release is not on trial, then or later.
 */
export const updatesAreTrue: Invariant = {
  name: "updates-are-true",
  watch({ sim, devices }, breach) {
    const ended = new Map<string, string>();
    for (const { id, releases } of devices) {
      releases.onChange.add(() => {
        const said = releases.trial === undefined ? undefined : ended.get(`${id} ${releases.trial.job}`);
        if (said !== undefined) breach(`${said}, and its release ${releases.running} is on trial`);
      });
    }
    sim.ledger.onUpdate.add(({ device: id, command, version, outcome: { state, error, effect } }) => {
      sim.ledger.updates.count(state === "failed" || state === "rejected" ? (error?.code ?? state) : state);
      const releases = devices.find((device) => device.id === id)?.releases;
      if (releases === undefined) return;
      const { running, confirmed, trial } = releases;
      const said = `software.update ${command} of ${id} to ${version} is ${state}${error === undefined ? "" : ` (${error.code})`}`;
      ended.set(`${id} ${command}`, said);
      if (trial?.job === command) breach(`${said}, and its release is on trial`);
      if (state === "succeeded" && (running !== version || confirmed !== version)) breach(`${said}; ${running} runs, and ${confirmed} is confirmed`);
      // Only a release that ran and went back has an effect.
      if (state === "failed" && effect !== undefined && (running === version || running !== confirmed || !(hasEvidence(effect.observed, running) || isLostToFullDisk(error?.message)))) breach(`${said}, and ${running} runs: ${JSON.stringify(effect)}`);
    });
  },
};

function hasEvidence(observed: object | undefined, running: string): boolean {
  const value = observed !== undefined && "value" in observed ? (observed.value as Json) : undefined;
  return value !== undefined && isJsonObject(value) && value["running"] === running && Array.isArray(value["log"]) && value["log"].length > 0;
}

/** The only excuse for an outcome without evidence, and it is told. */
function isLostToFullDisk(message: string | undefined): boolean {
  return message?.includes("what it left could not be kept") === true;
}
