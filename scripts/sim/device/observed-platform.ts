import type { Audio } from "../../../platform/ports/audio.ts";
import type { NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { ok } from "../../../platform/ports/result.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

/**
 * The hardware as the agent's process reaches it: what happens there is counted where it happens, and the process
 * may die on either side of it.
 */
export function observedPlatform(sim: SimContext, life: Life, device: string, adapter: PlatformAdapter): PlatformAdapter {
  const { gpio, cec, power, audio, networkSettings } = adapter;
  const { ledger, trace } = sim;
  const effect = (key: string): void => {
    trace.add(device, "effect", key);
    ledger.effect(device, key);
  };
  return {
    ...adapter,
    ...(gpio !== undefined && {
      gpio: {
        lines: () => gpio.lines(),
        read: (line) => life.call("gpio.read", () => gpio.read(line)),
        write: (line, level) => life.call("gpio.write", () => gpio.write(line, level)),
        watch: (line, options, edge) => gpio.watch(line, options, edge),
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
      },
    }),
    ...(audio !== undefined && sim.sabotage === "lying-audio" && { audio: lying(audio) }),
    ...(networkSettings !== undefined && { networkSettings: observedNetwork(sim, life, device, networkSettings) }),
    power: {
      bootId: () => power.bootId(),
      reboot: (reason) =>
        life.call("power.reboot", () => {
          effect(`machine:${reason}`);
          return power.reboot(reason);
        }),
      shutdown: (reason) =>
        life.call("power.shutdown", () => {
          effect(`machine:${reason}`);
          return power.shutdown(reason);
        }),
    },
  };
}

/** The machine's network settings: the process may die on either side of each step of a change. */
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

/** Sets one less than it is told, and reads one more than there is. */
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

/** CEC opcode of the messages the workload sends; operands are the vendor's own affair. */
export const VENDOR_COMMAND = 0x89;
