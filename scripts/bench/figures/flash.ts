import { numberOf } from "../harness/child-answer.ts";
import type { Bench } from "../harness/bench.ts";
import { DISK_CLASSES } from "../harness/virtual-agent.ts";
import type { Figure, Measured } from "../figure.ts";

const MB = 1_000_000;
const DAY_MB_MAX = 20;
const HOURS_PER_DAY = 24;
const PLAY_EVERY_S = 10;

/** Bytes the agent causes the kernel to write in a day, which wear out flash. */
export const flash: Figure = {
  name: "flash",
  title: "bytes written to flash in a day, by file",
  needsBuild: false,
  async run(bench) {
    const hours = bench.pick(24, 4);
    const extrapolated = hours === HOURS_PER_DAY ? "" : `, extrapolated from ${hours} h`;
    const how = `virtual time, real files of the agent's own stores, the kernel's write_bytes of the process${extrapolated}; what the file system writes for itself is not in it`;
    const all = await written(bench, DISK_CLASSES.join(","), hours, 0);
    const lines: Measured[] = [{ name: "flash.day", value: all, unit: "MB", target: { of: "value", atMost: DAY_MB_MAX }, how }];
    for (const name of DISK_CLASSES) lines.push({ name: `flash.day-${name}`, value: await written(bench, name, hours, 0), unit: "MB", how: "the same day with this file alone on the disk, the others in memory" });
    const playHours = bench.pick(2, 1);
    const plays = await written(bench, "outbox", playHours, PLAY_EVERY_S * 1000);
    lines.push({
      name: "flash.day-with-plays", value: plays, unit: "MB",
      how: `a proof of play every ${PLAY_EVERY_S} s, each on the disk by itself; extrapolated from ${playHours} h. No target: a write of whole pages for each is the price of "on disk before accepted"`,
    });
    return lines;
  },
};

/** MB a day. */
async function written(bench: Bench, classes: string, hours: number, playEveryMs: number): Promise<number> {
  bench.say(`flash: ${classes}${playEveryMs > 0 ? ", with plays" : ""}`);
  const day = await bench.program("virtual-day", [bench.folder("flash"), classes, String(hours), String(playEveryMs)]).next();
  return (numberOf(day, "written") * HOURS_PER_DAY) / hours / MB;
}
