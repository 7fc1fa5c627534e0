import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import type { StatusAnswer } from "../../agent/node/local-api/answers.ts";
import { askAgent } from "../../agent/node/local-api/local-client.ts";
import { fail, ok, type Result } from "../tool-result.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import { socketPath } from "../../player-host/contract/socket-path.ts";
import type { BrowserReport } from "../../player-host/contract/browser-report.ts";
import type { BrowserProofLimits } from "../../player-host/contract/browser-trial.ts";
import type { BrowserChoice } from "./browser-choice.ts";
import { DeviceMachine, untilAborted } from "./device-machine.ts";
import { keepPlayer } from "./keep-player.ts";
import { keepRunning, lastWords, type KeepDeps } from "./keep-running.ts";
import type { Launcher } from "./launcher.ts";
import type { Running } from "./program.ts";
import { agentProgram, cloudProgram, deviceFolder, playerProgram, readBootId, type Place } from "./programs.ts";

const CLOUD_START_MS = 15_000;
const LOOK_EVERY_MS = 100;
const ASK_AGENT_MS = 1_000;
/** Delay before the next device starts, if the previous one is not up earlier. */
const DEVICE_START_MS = 5_000;
/** Time for the devices to disconnect from the cloud before it is stopped too. */
const GOODBYE_MS = 800;

export interface RoomDeps extends KeepDeps {
  readonly choice: BrowserChoice;
  readonly limits: BrowserProofLimits;
}

/** The development cloud and the simulated machines. */
export class Room {
  readonly #place: Place;
  readonly #launcher: Launcher;
  readonly #deps: RoomDeps;

  constructor(place: Place, launcher: Launcher, deps: RoomDeps) {
    this.#place = place;
    this.#launcher = launcher;
    this.#deps = deps;
  }

  /**
   * Runs until `signal` aborts and everything has ended. `onReady`: the dashboard answers.
   * Error: `start.cloud` when the cloud does not come up the first time.
   */
  async run(devices: number, onReady: () => void, signal: AbortSignal): Promise<Result<void>> {
    const cloudOff = new AbortController();
    const first = this.#launcher.launch(cloudProgram(this.#place));
    // Players need no cloud to show their last content, so their browsers start at once.
    const allOff = new AbortController();
    const cloudUp = this.#cloudAnswers(first, signal);
    const devicesDone = this.#runDevices(devices, cloudUp, AbortSignal.any([signal, allOff.signal]));
    const up = await cloudUp;
    if (!up.ok || signal.aborted) {
      allOff.abort();
      first.stop();
      await Promise.all([first.ended, devicesDone]);
      return up;
    }
    onReady();
    let next: Running | undefined = first;
    const startCloud = (): Running => {
      const running = next ?? this.#launcher.launch(cloudProgram(this.#place));
      next = undefined;
      return running;
    };
    const cloud = keepRunning("the development cloud", startCloud, (until) => this.#cloudUp(until), this.#deps, cloudOff.signal);
    signal.addEventListener("abort", () => void this.#deps.timers.after("start.goodbye", GOODBYE_MS, () => cloudOff.abort()), { once: true });
    await devicesDone;
    cloudOff.abort();
    await cloud;
    return ok(undefined);
  }

  async #runDevices(count: number, cloudUp: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const running: Promise<void>[] = [];
    for (let number = 1; number <= count && !signal.aborted; number += 1) {
      const name = String(number);
      const up = new Promise<void>((resolve) => {
        running.push(this.#machine(name, cloudUp, resolve).run(signal));
      });
      // On a small machine, browsers that all start at once starve each other.
      await Promise.race([up, sleep(this.#deps.timers, `start.next-device.${name}`, DEVICE_START_MS, signal)]);
    }
    await Promise.all(running);
  }

  /** `onUp`: its agent answered for the first time. */
  #machine(name: string, cloudUp: Promise<unknown>, onUp: () => void): DeviceMachine {
    const place = this.#place;
    let wasUp = false;
    mkdirSync(deviceFolder(place, name), { recursive: true });
    return new DeviceMachine(name, {
      ...this.#deps,
      startAgent: () => this.#launcher.launch(agentProgram(place, name)),
      keepPlayer: (deps, power) =>
        keepPlayer(
          {
            ...this.#deps,
            ...deps,
            start: (chosen) => this.#launcher.launch(playerProgram(place, name, chosen)),
            agentUp: (signal) => this.#answers(name, signal),
            playerUp: (signal) => this.#answers(name, signal, hasPlayer),
            browser: () => this.#browserOf(name),
          },
          power,
        ),
      agentMayStart: async (signal) => void (await Promise.race([cloudUp, untilAborted(signal)])),
      bootId: () => readBootId(place, name),
      agentUp: async (signal) => {
        const up = await this.#answers(name, signal);
        if (!up || wasUp) return up;
        wasUp = true;
        // The boot id has been read by the time this line is printed.
        this.#deps.say(`device ${name}: up`);
        onUp();
        return up;
      },
    });
  }

  async #browserOf(name: string): Promise<BrowserReport | undefined> {
    const status = await this.#status(name);
    return status !== undefined && hasPlayer(status) ? status.browser : undefined;
  }

  async #status(name: string): Promise<StatusAnswer | undefined> {
    const { path } = socketPath("agent.sock", socketPlaceOf(deviceFolder(this.#place, name)));
    const status = await askAgent(path, "status", {}, ASK_AGENT_MS);
    return status.ok ? (status.value as StatusAnswer) : undefined;
  }

  async #answers(name: string, signal: AbortSignal, fits: (status: StatusAnswer) => boolean = () => true): Promise<boolean> {
    while (await sleep(this.#deps.timers, `start.look.${name}`, LOOK_EVERY_MS, signal)) {
      const status = await this.#status(name);
      if (status !== undefined && fits(status)) return true;
    }
    return false;
  }

  async #cloudUp(signal: AbortSignal): Promise<boolean> {
    while (await sleep(this.#deps.timers, "start.look.cloud", LOOK_EVERY_MS, signal)) if (await canConnect(this.#place.port)) return true;
    return false;
  }

  /** Waits until the cloud answers on its port or has ended. */
  async #cloudAnswers(cloud: Running, signal: AbortSignal): Promise<Result<void>> {
    const { timers, clock } = this.#deps;
    const deadlineMs = clock.monotonicMs() + CLOUD_START_MS;
    const ended = cloud.ended.then((end) => end);
    for (;;) {
      if (await canConnect(this.#place.port)) return ok(undefined);
      const tick = sleep(timers, "start.cloud", LOOK_EVERY_MS, signal).then(() => undefined);
      const end = await Promise.race([ended, tick]);
      if (signal.aborted) return ok(undefined);
      if (end !== undefined) return fail("start.cloud", `The development cloud ended right after its start.${lastWords(end)}`);
      if (clock.monotonicMs() > deadlineMs) return fail("start.cloud", `The development cloud does not answer on port ${this.#place.port} after ${CLOUD_START_MS / 1_000} s.`);
    }
  }
}

function hasPlayer({ player }: StatusAnswer): boolean {
  return player !== undefined && player.kind !== "absent";
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
