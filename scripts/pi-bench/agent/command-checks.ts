import { expect } from "expect";
import type { CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import type { Check } from "./checks.ts";
import type { EmulatedPlayer } from "./emulated-player.ts";

/** Function and level of a pin as the pin controller's registers say, such as `function gpio_out in hi`. */
const PIN = (offset: number): string => `grep -h '^pin ${offset} ' /sys/kernel/debug/pinctrl/*/pins | grep -o 'function .*'`;
/** Prints a pin's level over and over, without a process for each look. */
const WATCH_PIN = (offset: number): string =>
  `(while mapfile -t pins < /sys/kernel/debug/pinctrl/3f200000.gpio*/pins; do for pin in "\${pins[@]}"; do [[ $pin == "pin ${offset} "* && $pin =~ in.(hi|lo) ]] && echo "\${BASH_REMATCH[1]}"; done; sleep 0.05; done)`;
const OUTPUT = (level: "hi" | "lo"): RegExp => new RegExp(`function gpio_out in ${level}`);

function expectSucceeded({ state, error, effect }: CommandRow): void {
  expect({ state, error, effect }).toMatchObject({ state: "succeeded" });
}

/** Lines of the TV's log since `mark` lines. */
function tvSince(player: EmulatedPlayer, mark: number): Promise<string> {
  return player.read(`tail -n +${mark + 1} /run/tv.log`);
}

async function tvMark(player: EmulatedPlayer): Promise<number> {
  return Number(await player.read("wc -l < /run/tv.log"));
}

/** Commands of the cloud, each seen by something that is not the agent. */
export const COMMAND_CHECKS: readonly Check[] = [
  {
    name: "the agent runs as its own user under the shipped unit and tells systemd that it is ready",
    needed: true,
    async run(player) {
      await player.until("the unit is active", async () => ((await player.run("systemctl is-active vitrine-agent")).output === "active" ? true : undefined));
      expect(await player.read("stat -c %U /proc/$(systemctl show -P MainPID vitrine-agent)")).toBe("vitrine-agent");
      const status = await player.until("the agent answers", () => player.status());
      expect(status).toMatchObject({ adapter: "raspberry-pi", bootId: player.bootId });
      expect(await player.read("ls /var/lib/vitrine/*.sqlite | wc -l")).toBe("3");
    },
  },
  {
    name: "an operator claims it by the code that it shows, and it gets its owner",
    needed: true,
    async run(player) {
      const status = await player.until("it shows a code", async () => {
        const seen = await player.status();
        return seen?.pairing === undefined ? undefined : seen;
      });
      player.deviceId = status.deviceId;
      const claimed = await player.cloud.dev.cloud.ownership.claim(status.pairing?.code ?? "", "Emulated Pi");
      expect(claimed).toMatchObject({ ok: true });
      await player.online();
      await player.until("the device knows its owner", async () => ((await player.status())?.owner.kind === "claimed" ? true : undefined));
    },
  },
  {
    name: "gpio.write is on the pin, as the pin controller says",
    async run(player) {
      for (const [level, says] of [[1, "hi"], [0, "lo"], [1, "hi"]] as const) {
        expectSucceeded(await player.command("gpio.write", { line: "GPIO17", level }));
        expect(await player.read(PIN(17))).toMatch(OUTPUT(says));
      }
    },
  },
  {
    name: "gpio.pulse raises the pin once, for its time, and lowers it",
    async run(player) {
      expectSucceeded(await player.command("gpio.write", { line: "PIN13", level: 0 }));
      await player.read(`${WATCH_PIN(27)} > /run/pulse.txt 2> /dev/null & echo $! > /run/pulse.pid`);
      expectSucceeded(await player.command("gpio.pulse", { line: "GPIO27", durationMs: 3_000 }));
      const levels = await player.read("sleep 1; kill $(cat /run/pulse.pid); uniq /run/pulse.txt");
      expect(levels.split("\n")).toEqual(["lo", "hi", "lo"]);
    },
  },
  {
    name: "a pin of the serial port is refused by name and keeps its function",
    async run(player) {
      const before = await player.read(PIN(15));
      const { state, error } = await player.command("gpio.write", { line: "GPIO15", level: 1 });
      expect([state, error?.code]).toEqual(["rejected", "gpio.reserved"]);
      expect(await player.read(PIN(15))).toBe(before);
    },
  },
  {
    name: "display.power reaches the TV over CEC, and the agent observes what the TV did",
    async run(player) {
      for (const [on, value, message] of [[false, "standby", /STANDBY/], [true, "on", /IMAGE_VIEW_ON|TEXT_VIEW_ON/]] as const) {
        const mark = await tvMark(player);
        const outcome = await player.command("display.power", { on });
        expectSucceeded(outcome);
        expect(outcome.effect).toMatchObject({ observed: { kind: "ok", value } });
        expect(await tvSince(player, mark)).toMatch(message);
      }
    },
  },
  {
    name: "cec.send puts its message on the bus, and the TV takes it",
    async run(player) {
      const mark = await tvMark(player);
      // A press of the volume key.
      const outcome = await player.command("cec.send", { destination: 0, opcode: 0x44, operands: [0x41] });
      expectSucceeded(outcome);
      expect(outcome.result).toMatchObject({ acknowledged: true });
      expect(await tvSince(player, mark)).toMatch(/USER_CONTROL_PRESSED/);
    },
  },
  {
    name: "logs.collect uploads what the agent wrote",
    async run(player) {
      const outcome = await player.command("logs.collect", {});
      expectSucceeded(outcome);
      const upload = player.cloud.dev.cloud.context.store.upload(outcome.uploads[0] ?? "");
      expect(upload).toMatchObject({ state: "complete", purpose: "logs" });
    },
  },
];
