import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { audioConformance } from "../../ports/audio.conformance.ts";
import type { Audio } from "../../ports/audio.ts";
import { realBenchTime } from "../../ports/testing/bench.ts";
import { commandRunner, type CommandRunner } from "../command-runner.ts";
import { systemClock } from "../system-clock.ts";
import { fixtureFiles } from "../testing/fixture-files.ts";
import { openLinuxAudio } from "./linux-audio.ts";
import { provideSoundPrograms, SoundServers } from "./testing/sound-servers.ts";

const isPossible = await provideSoundPrograms();

/** The port over the servers in `dir`, through these programs alone. */
async function open(dir: string, programs: readonly string[], settings: { readonly output?: string } = {}): Promise<Audio> {
  const only = (runner: CommandRunner): CommandRunner => (program, ...rest) => runner(programs.includes(program) ? program : `/nowhere/${program}`, ...rest);
  const audio = await openLinuxAudio({
    runner: (env) => only(commandRunner({ HOME: dir, ...env })),
    files: fixtureFiles({}),
    clock: systemClock,
    env: { XDG_RUNTIME_DIR: dir },
    settings: { output: settings.output ?? "", socketsDir: dir },
  });
  if (audio === undefined) throw new Error(`no audio port through ${programs.join(", ")}`);
  return audio;
}

describe.runIf(isPossible)("the real programs", () => {
  const SYSTEMS = [
    ["PulseAudio over pactl", ["pactl"], (servers: SoundServers) => servers.pulseAudio(["hdmi", "jack"])],
    ["PulseAudio over amixer and ALSA's plug-in", ["amixer"], (servers: SoundServers) => servers.pulseAudio(["hdmi", "jack"])],
    ["PipeWire over wpctl", ["wpctl"], (servers: SoundServers) => servers.pipeWire(["hdmi", "jack"], { pulse: false })],
    ["PipeWire over pactl", ["pactl", "wpctl"], (servers: SoundServers) => servers.pipeWire(["hdmi", "jack"], { pulse: true })],
  ] as const;

  for (const [name, programs, start] of SYSTEMS) {
    describe(`port: ${name}`, () => {
      let servers: SoundServers;
      let audio: Audio;
      beforeAll(async () => {
        servers = new SoundServers();
        writeFileSync(join(servers.dir, ".asoundrc"), "ctl.!default { type pulse }\n");
        await start(servers);
        audio = await open(servers.dir, programs);
      });
      afterAll(() => servers.close());

      audioConformance(name, () => Promise.resolve({ audio, time: realBenchTime(), close: () => Promise.resolve() }));
    });
  }

  describe("of PulseAudio", () => {
    let servers: SoundServers;
    beforeEach(() => {
      servers = new SoundServers();
    });
    afterEach(() => servers.close());

    test("a volume over 100 percent and channels that differ are reported as what the loudest plays", async () => {
      await servers.pulseAudio(["hdmi"]);
      const audio = await open(servers.dir, ["pactl"]);
      await servers.pactl("set-sink-volume", "hdmi", "150%");
      expect(await audio.volume()).toMatchObject({ kind: "ok", value: 150 });
      await servers.pactl("set-sink-volume", "hdmi", "20%", "60%");
      expect(await audio.volume()).toMatchObject({ kind: "ok", value: 60 });
      expect(await audio.setVolume(30)).toMatchObject({ acknowledged: true, observed: { value: 30 } });
      expect(await servers.pactl("get-sink-volume", "hdmi")).toMatch(/30%.*30%/);
    });

    test("follows the default output, or stays with the configured one", async () => {
      await servers.pulseAudio(["hdmi", "jack"]);
      const [follows, stays] = [await open(servers.dir, ["pactl"]), await open(servers.dir, ["pactl"], { output: "JACK" })];
      await servers.pactl("set-default-sink", "hdmi");
      await follows.setVolume(11);
      await stays.setVolume(22);
      expect([await servers.pactl("get-sink-volume", "hdmi"), await servers.pactl("get-sink-volume", "jack")]).toEqual([expect.stringContaining("11%"), expect.stringContaining("22%")]);
      await servers.pactl("set-default-sink", "jack");
      expect(await follows.volume()).toMatchObject({ value: 22 });
    });

    test("the silent placeholder of a server without outputs is no output, and one that is unplugged is missed by name", async () => {
      await servers.pulseAudio(["hdmi"]);
      const [any, named] = [await open(servers.dir, ["pactl", "amixer"]), await open(servers.dir, ["pactl", "amixer"], { output: "hdmi" })];
      await servers.pactl("unload-module", "module-null-sink");
      expect(await any.setVolume(10)).toMatchObject({ attempted: false, error: { code: "audio.no-output" } });
      expect(await any.volume()).toMatchObject({ kind: "failed", error: { code: "audio.no-output" } });
      expect(await named.volume()).toMatchObject({ kind: "failed", error: { code: "audio.no-such-output" } });
      await servers.pactl("load-module", "module-null-sink", "sink_name=hdmi");
      expect([await any.setVolume(10), await named.volume()]).toMatchObject([{ observed: { value: 10 } }, { value: 10 }]);
    });

    test("a server that starts after the agent is found, and one that ends is reported with where it was looked for", async () => {
      const audio = await open(servers.dir, ["pactl", "wpctl"]);
      const missing = await audio.volume();
      expect(missing).toMatchObject({ kind: "failed", error: { code: "audio.no-server", message: expect.stringMatching(/PulseAudio.*PipeWire/) as string, hint: expect.stringContaining(servers.dir) as string } });
      await servers.pulseAudio(["hdmi"]);
      expect(await audio.setVolume(55)).toMatchObject({ acknowledged: true, observed: { value: 55 } });
      await servers.stop();
      expect(await audio.setVolume(10)).toMatchObject({ attempted: false, error: { code: "audio.no-server" } });
    });

    test("a server that hangs costs one time-out, not one for each program", async () => {
      await servers.pulseAudio(["hdmi"]);
      const audio = await open(servers.dir, ["pactl", "wpctl", "amixer"]);
      servers.signalLast("SIGSTOP");
      expect(await audio.setVolume(10)).toMatchObject({ attempted: false, error: { code: "program.timed-out" } });
      servers.signalLast("SIGCONT");
      expect(await audio.setVolume(10)).toMatchObject({ observed: { value: 10 } });
    });
  });

  describe("of PipeWire", () => {
    test("wpctl finds an output by name, sees no output in none, and its exit code 0 for a missing default is no success", async () => {
      const servers = new SoundServers();
      try {
        await servers.pipeWire(["hdmi", "jack"], { pulse: false });
        const named = await open(servers.dir, ["wpctl"], { output: "jack" });
        expect(await named.setVolume(22)).toMatchObject({ observed: { value: 22 } });
        const any = await open(servers.dir, ["wpctl"]);
        expect(await any.volume()).toMatchObject({ value: 100 });
        expect(await (await open(servers.dir, ["wpctl"], { output: "spdif" })).volume()).toMatchObject({ error: { code: "audio.no-such-output", hint: "there are hdmi, jack" } });
        // Without its session manager there are outputs and no default one.
        servers.signalLast("SIGKILL");
        await servers.until("the default is gone", async () => !(await servers.tool("wpctl", "status")).includes("*"));
        expect(await any.setVolume(10)).toMatchObject({ attempted: false, error: { code: "audio.no-output" } });
      } finally {
        await servers.close();
      }
    });
  });
});
