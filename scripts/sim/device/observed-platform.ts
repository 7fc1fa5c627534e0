import type { Audio } from "../../../platform/ports/audio.ts";
import type { Display } from "../../../platform/ports/display.ts";
import { COMMANDED_PROPERTIES } from "../../../platform/ports/display-properties.ts";
import type { NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { ok } from "../../../platform/ports/result.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { MACHINE_MARK } from "../ledger.ts";
import { orderOf } from "../orders.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

/**
 * The hardware as the agent's process uses it: effects are counted at the hardware, and the process may die before or after
 * each.
 */
export function observedPlatform(sim: SimContext, life: Life, device: string, adapter: PlatformAdapter): PlatformAdapter {
  const { gpio, cec, power, audio, displays, networkSettings } = adapter;
  const { ledger, trace } = sim;
  const effect = (key: string): void => {
    trace.add(device, "effect", key);
    ledger.effect(device, key);
  };
  const order = (name: string, params: readonly Json[]): void => {
    trace.add(device, "order", `${name} ${JSON.stringify(params)}`);
    ledger.ordered(device, name, params);
    if (sim.sabotage === "double-order") ledger.ordered(device, name, params);
  };
  const sound = audio !== undefined && sim.sabotage === "lying-audio" ? lying(audio) : audio;
  return {
    ...adapter,
    ...(gpio !== undefined && {
      gpio: {
        lines: () => gpio.lines(),
        read: (line) => life.call("gpio.read", () => gpio.read(line)),
        write: (line, level) => 
          life.call("gpio.write", () => {
            order("gpio.write", [line, level]);
            if (sim.sabotage === "deaf-lines") return Promise.resolve(ok(level));
            return gpio.write(line, level);
          }),
        watch: (...options) => gpio.watch(...options),
        pulse: (line, level, durationMs) =>
          life.call("gpio.pulse", () => {
            if (sim.sabotage === "invented-pulse") return Promise.resolve(ok({ measuredMs: durationMs }));
            effect(`pulse:${durationMs}`);
            if (sim.sabotage === "double-pulse") effect(`pulse:${durationMs}`);
            return gpio.pulse(line, level, durationMs);
          }),
      },
    }),
    ...(cec !== undefined && {
      cec: {
        send: (message, replyTimeoutMs) =>
          life.call("cec.send", () => {
            if (message.opcode === VENDOR_COMMAND) effect(`cec:${[...message.operands].join(".")}`);
            return cec.send(message, replyTimeoutMs);
          }),
        ...(cec.onMessage !== undefined && { onMessage: (heard) => cec.onMessage?.(heard) ?? (() => {}) }),
      },
    }),
    ...(sound !== undefined && { audio: observedAudio(life, sound, order) }),
    ...(displays !== undefined && { displays: displays.map((each) => ({ ...each, display: observedDisplay(life, each.display, order) })) }),
    ...(networkSettings !== undefined && { networkSettings: observedNetwork(sim, life, device, networkSettings) }),
    power: {
      bootId: () => power.bootId(),
      ...(power.forcedReset !== undefined && { forcedReset: power.forcedReset }),
      reboot: (reason) =>
        life.call("power.reboot", () => {
          effect(`${MACHINE_MARK}${reason}`);
          return power.reboot(reason);
        }),
      shutdown: (reason) =>
        life.call("power.shutdown", () => {
          effect(`${MACHINE_MARK}${reason}`);
          return power.shutdown(reason);
        }),
    },
  };
}

/** The machine's network settings: the process may die before or after each step of a change. */
function observedNetwork(sim: SimContext, life: Life, device: string, settings: NetworkSettings): NetworkSettings {
  const step = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    life.call(`network.${name}`, () => {
      sim.trace.add(device, "network", name);
      return work();
    });
  return {
    get capabilities() {
      return settings.capabilities;
    },
    worstCaseMs: settings.worstCaseMs,
    current: () => life.call("network.current", () => settings.current()),
    checkpoint: (wanted) => step("checkpoint", () => settings.checkpoint(wanted)),
    apply: (wanted) => step(`apply ${JSON.stringify(wanted)}`, () => settings.apply(wanted)),
    restore: (point) => step("restore", () => (sim.sabotage === "no-way-back" ? Promise.resolve(ok(undefined)) : settings.restore(point))),
    keep: (point) => step("keep", () => settings.keep(point)),
  };
}

type TakeOrder = (name: string, params: readonly Json[]) => void;

function observedAudio(life: Life, audio: Audio, order: TakeOrder): Audio {
  return {
    volume: () => audio.volume(),
    mute: () => audio.mute(),
    setVolume: (percent) => {
      if (life.alive) order("audio.volume", [percent]);
      return audio.setVolume(percent);
    },
    setMute: (mute) => {
      if (life.alive) order("audio.mute", [mute]);
      return audio.setMute(mute);
    },
  };
}

/** Only properties that commands set count as orders; the display's own volume and mute do not. */
function observedDisplay(life: Life, display: Display, order: TakeOrder): Display {
  return {
    get capabilities() {
      return display.capabilities;
    },
    worstCaseMs: (property) => display.worstCaseMs(property),
    status: () => display.status(),
    ...(display.choices !== undefined && { choices: () => display.choices?.() ?? {} }),
    ...(display.memory !== undefined && { memory: display.memory }),
    set: (property, value) => {
      const command = COMMANDED_PROPERTIES.find((name) => name === property);
      if (command !== undefined && life.alive) order(`display.${command}`, [orderOf(command, value)]);
      return display.set(property, value);
    },
  };
}

/** Sets one less than ordered, and reads one more than the truth. */
function lying(audio: Audio): Audio {
  return {
    volume: async () => {
      const reading = await audio.volume();
      return reading.kind === "ok" ? { ...reading, value: reading.value + 1 } : reading;
    },
    mute: () => audio.mute(),
    setMute: (mute) => audio.setMute(mute),
    setVolume: async (percent) => {
      const effect = await audio.setVolume(Math.max(0, percent - 1));
      return effect.observed?.kind === "ok" ? { ...effect, observed: { ...effect.observed, value: percent } } : effect;
    },
  };
}

/** CEC opcode of the workload's messages (Vendor Command); its operands are vendor-specific. */
export const VENDOR_COMMAND = 0x89;
