import { describe, expect, test } from "vitest";
import { audioConformance } from "../../ports/audio.conformance.ts";
import type { Audio } from "../../ports/audio.ts";
import { fail, ok } from "../../ports/result.ts";
import { virtualBenchTime } from "../../ports/testing/bench.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import type { CommandRunner } from "../command-runner.ts";
import { fixtureFiles, type Fixture } from "../testing/fixture-files.ts";
import { parseCards, parseControls } from "./amixer-mixer.ts";
import { openLinuxAudio, type AudioSettings } from "./linux-audio.ts";
import { pickOutput } from "./mixer.ts";
import { parseSinks } from "./pactl-mixer.ts";
import { parseInspect, parseStatus } from "./wpctl-mixer.ts";

const missing: CommandRunner = (program) => Promise.resolve(fail("program.missing", `there is no program ${program}`));
const PI_CARDS: Fixture = { "proc/asound/cards": " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n                      bcm2835 Headphones\n 1 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0\n                      vc4-hdmi-0\n" };

/** `pactl list sinks` of PulseAudio 16.1, shortened. */
const sinkText = (name: string, volume: string, mute: string, properties = ""): string =>
  `Sink #1\n\tState: IDLE\n\tName: ${name}\n\tDescription: Büro\n\tMute: ${mute}\n\tVolume: ${volume}\n\t        balance 0.00\n\tBase Volume: 65536 / 100% / 0.00 dB\n\tProperties:\n\t\tdevice.description = "Büro"\n${properties}\n`;

/** `wpctl status` of WirePlumber 0.4.13 and 0.5. */
const statusText = (sinks: string): string =>
  `PipeWire 'pipewire-0' [0.3.65, user@player, cookie:1]\n └─ Clients:\n        34. wpctl\n\nAudio\n ├─ Devices:\n │  \n ├─ Sinks:\n${sinks} │  \n ├─ Sink endpoints:\n │  \n ├─ Sources:\n │  *   40. Microphone                          [vol: 1.00]\n │  \n └─ Streams:\n\nVideo\n ├─ Sinks:\n │  *   90. Not sound\n │  \n └─ Streams:\n\nSettings\n └─ Default Configured Node Names:\n`;

/** Takes the place of one mixer program: prints like it, and has a memory. */
class MixerStandIn {
  readonly ran: string[] = [];
  readonly #kind: string;
  #volume = 10;
  #mute = false;

  constructor(kind: "wpctl" | "pactl" | "amixer") {
    this.#kind = kind;
  }

  readonly run: CommandRunner = (program, args, timeoutMs) => {
    if (program !== this.#kind) return missing(program, args, timeoutMs);
    this.ran.push(args.join(" "));
    const [last = "", verb] = [args.at(-1), args.join(" ")];
    if (last.endsWith("%")) this.#volume = Number.parseInt(last, 10);
    else if (/set-mute|set-sink-mute/.test(verb)) this.#mute = last === "1";
    else if (last === "mute" || last === "unmute") this.#mute = last === "mute";
    return Promise.resolve(ok(this.#says(verb)));
  };

  #says(verb: string): string {
    const [percent, isMute] = [`${this.#volume}%`, this.#mute];
    if (this.#kind === "pactl") return verb.endsWith("info") ? "Default Sink: main\n" : sinkText("main", `front-left: 26214 /  ${percent} / -23.88 dB`, isMute ? "yes" : "no");
    if (this.#kind === "amixer") return `Simple mixer control 'PCM',0\n  Capabilities: pvolume pswitch\n  Playback channels: Mono\n  Limits: Playback 0 - 65536\n  Mono: Playback 26214 [${percent}] [-23.88dB] [${isMute ? "off" : "on"}]\n`;
    if (verb === "status") return statusText(" │  *   30. Main                                [vol: 1.00]\n");
    return verb.startsWith("inspect") ? 'id 30, type PipeWire:Interface:Node\n  * node.name = "main"\n' : `Volume: ${(this.#volume / 100).toFixed(2)}${isMute ? " [MUTED]" : ""}\n`;
  }
}

function open(run: CommandRunner, settings: Partial<AudioSettings> = {}, fixture: Fixture = {}, env: Readonly<Record<string, string>> = {}): Promise<Audio | undefined> {
  return openLinuxAudio({ runner: () => run, files: fixtureFiles(fixture), clock: new VirtualTime(), env, settings: { output: "", socketsDir: "", ...settings } });
}

async function mustOpen(...args: Parameters<typeof open>): Promise<Audio> {
  const audio = await open(...args);
  if (audio === undefined) throw new Error("no audio port");
  return audio;
}

for (const kind of ["wpctl", "pactl", "amixer"] as const) {
  audioConformance(`linux over ${kind} (a stand-in that speaks like it)`, async () => {
    const audio = await mustOpen(new MixerStandIn(kind).run);
    return { audio, time: virtualBenchTime(new VirtualTime()), close: () => Promise.resolve() };
  });
}

describe("whether there is an audio port", () => {
  const NO_CARD: CommandRunner = (program, ...rest) => (program === "amixer" ? Promise.resolve(fail("program.failed", "amixer: Mixer attach default error: No such file or directory")) : missing(program, ...rest));
  const NO_SERVER: CommandRunner = (program, ...rest) => (program === "pactl" ? Promise.resolve(fail("program.failed", "pactl info: Connection failure: Connection refused")) : missing(program, ...rest));

  test("a machine without a mixer program, or with amixer alone and no card, has none", async () => {
    expect([await open(missing), await open(NO_CARD)]).toEqual([undefined, undefined]);
  });

  test("a server that may start later is a port, which says what is missing", async () => {
    const audio = await mustOpen(NO_SERVER, { socketsDir: "/run/vitrine-sound" });
    expect(await audio.volume()).toMatchObject({ kind: "failed", error: { code: "audio.no-server", message: expect.stringContaining("Connection refused") as string, hint: expect.stringContaining("/run/vitrine-sound") as string } });
    expect(await audio.setMute(true)).toMatchObject({ attempted: false, error: { code: "audio.no-server" } });
  });

  test("a card whose mixer cannot be opened is a port", async () => {
    expect(await (await mustOpen(NO_CARD, {}, PI_CARDS)).volume()).toMatchObject({ kind: "failed", error: { code: "program.failed", message: expect.stringContaining("attach") as string } });
  });

  test.each([["pactl", "hello"], ["wpctl", "hello"]])("an answer of %s in an unknown form is reported as such", async (kind, says) => {
    const run: CommandRunner = (program, ...rest) => (program === kind ? Promise.resolve(ok(says)) : missing(program, ...rest));
    const reading = await (await mustOpen(run)).volume();
    expect(reading).toMatchObject({ kind: "failed", error: { code: kind === "pactl" ? "audio.no-output" : "audio.not-understood" } });
  });
});

describe("which server is asked", () => {
  test.each([
    ["the configured folder, and then the machine's own", { socketsDir: "/run/vitrine-sound" }, { XDG_RUNTIME_DIR: "/run/user/1", PULSE_SERVER: "tcp:x" }, "unix:/run/vitrine-sound/pulse/native unix:/run/pulse/native"],
    ["the one of the environment", {}, { XDG_RUNTIME_DIR: "/run/user/1", PULSE_SERVER: "tcp:x" }, "tcp:x"],
    ["the session's, and then the machine's own", {}, { XDG_RUNTIME_DIR: "/run/user/1" }, "unix:/run/user/1/pulse/native unix:/run/pulse/native"],
    ["the machine's own where there is no session", {}, {}, "unix:/run/pulse/native"],
  ] as const)("%s; always by name, so that libpulse starts none of its own", async (_what, settings, env, server) => {
    const mixer = new MixerStandIn("pactl");
    await open(mixer.run, settings, {}, env);
    expect(mixer.ran).toEqual([`-s ${server} list sinks`, `-s ${server} info`]);
  });

  test("an order goes to the output that was found, by its name or number", async () => {
    const orders = async (kind: "wpctl" | "pactl" | "amixer"): Promise<string | undefined> => {
      const mixer = new MixerStandIn(kind);
      await (await mustOpen(mixer.run)).setVolume(40);
      return mixer.ran.find((line) => line.includes("40%"));
    };
    expect(await orders("pactl")).toMatch(/set-sink-volume main 40%$/);
    expect([await orders("wpctl"), await orders("amixer")]).toEqual(["set-volume 30 40%", "-M sset PCM,0 playback 40%"]);
  });

  test("ALSA is asked for the card of the configured output", async () => {
    const mixer = new MixerStandIn("amixer");
    await open(mixer.run, { output: "HDMI-A-1" }, PI_CARDS);
    expect(mixer.ran).toEqual(["-c vc4hdmi0 -M scontents"]);
    expect(await (await open(mixer.run, { output: "spdif" }, PI_CARDS))?.volume()).toMatchObject({ kind: "failed", error: { code: "audio.no-such-output", hint: "there are Headphones, vc4hdmi0" } });
  });

  test("an output without a switch has a volume and cannot be muted", async () => {
    const run: CommandRunner = (program, ...rest) => (program === "amixer" ? Promise.resolve(ok("Simple mixer control 'PCM',0\n  Capabilities: volume volume-joined\n  Mono: 30 [12%] [-51.00dB]\n")) : missing(program, ...rest));
    const audio = await mustOpen(run);
    expect([await audio.volume(), await audio.mute(), await audio.setMute(true)]).toMatchObject([{ value: 12 }, { kind: "unsupported" }, { attempted: false, error: { code: "audio.cannot-mute" } }]);
  });
});

describe("what the programs print", () => {
  test("pactl: every sink with its loudest channel and what it is called", () => {
    const card = '\t\talsa.card_name = "vc4-hdmi-0"\n\t\talsa.id = "vc4hdmi0"';
    const text = sinkText("alsa_output.platform-fef00700.hdmi", "front-left: 0 /   0% / -inf dB,   front-right: 98304 / 150% / 10.57 dB", "yes", card) + sinkText("jack", "mono: 65536 / 100% / 0.00 dB", "no");
    expect(parseSinks(text)).toEqual([
      { name: "alsa_output.platform-fef00700.hdmi", alsoCalled: ["Büro", "Büro", "vc4-hdmi-0", "vc4hdmi0"], volume: 150, mute: true },
      { name: "jack", alsoCalled: ["Büro", "Büro"], volume: 100, mute: false },
    ]);
    expect(parseSinks("")).toEqual([]);
  });

  test("wpctl: the sinks of the section Audio alone, the default one marked", () => {
    expect(parseStatus(statusText(" │      30. HDMI Büro                          [vol: 1.00]\n │  *   31. 5. Jack                             [vol: 0.20 MUTED]\n"))).toEqual([{ id: "30", isDefault: false }, { id: "31", isDefault: true }]);
    expect([parseStatus(statusText("")), parseStatus("hello")]).toEqual([[], undefined]);
    expect(parseInspect('id 30, type PipeWire:Interface:Node\n    alsa.card_name = "vc4-hdmi-0"\n  * node.description = "HDMI Büro"\n  * node.name = "hdmi"\n')).toEqual({ name: "hdmi", alsoCalled: ["vc4-hdmi-0", "HDMI Büro", "hdmi"] });
  });

  test("amixer: controls with a playback volume, muted when every channel is", () => {
    const text = [
      "Simple mixer control 'Mic',0", "  Capabilities: cvolume cswitch", "  Front Left: Capture 0 [0%] [off]",
      "Simple mixer control 'Digital',0", "  Capabilities: pvolume pswitch cvolume", "  Limits: Playback 0 - 207", "  Mono:",
      "  Front Left: Playback 100 [48%] [-53.50dB] [off] Capture 3 [9%] [on]", "  Front Right: Playback 120 [58%] [-43.50dB] [on]",
      "Simple mixer control 'HDMI Jack',0", "  Capabilities: pswitch", "  Mono: Playback [on]", "",
    ].join("\n");
    expect(parseControls(text)).toEqual([{ name: "Digital", selector: "Digital,0", volume: 58, mute: false }]);
  });

  test("the kernel's list of cards", () => {
    expect(parseCards(String(PI_CARDS["proc/asound/cards"]))).toEqual([{ name: "Headphones", alsoCalled: ["bcm2835_headpho", "bcm2835 Headphones"] }, { name: "vc4hdmi0", alsoCalled: ["vc4-hdmi", "vc4-hdmi-0"] }]);
    expect(parseCards("--- no soundcards ---\n")).toEqual([]);
  });
});

test.each([
  ["alsa.hdmi-2", "alsa.hdmi-2"],
  ["headphones", "alsa.jack"],
  ["HDMI-A-2", "alsa.hdmi-2"],
  ["hdmi-a-1", "alsa.hdmi"],
])("an output is found as %s", (wanted, name) => {
  const outputs = [{ name: "alsa.hdmi", alsoCalled: ["vc4-hdmi-0"] }, { name: "alsa.hdmi-2", alsoCalled: ["vc4hdmi1"] }, { name: "alsa.jack", alsoCalled: ["bcm2835 Headphones"] }];
  expect(pickOutput(outputs, wanted)).toMatchObject({ ok: true, value: { name } });
  expect(pickOutput(outputs, "alsa")).toMatchObject({ ok: false, error: { code: "audio.no-such-output", message: '"alsa" fits several sound outputs: alsa.hdmi, alsa.hdmi-2, alsa.jack' } });
  expect(pickOutput([], wanted)).toMatchObject({ ok: false, error: { code: "audio.no-such-output", hint: "there is none" } });
});
