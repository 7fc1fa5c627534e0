import { PING_INTERVAL_MS } from "../../../agent/protocol/limits.ts";
import { numberOf, numbersOf } from "../harness/child-answer.ts";
import { frameBytes } from "../harness/frame-bytes.ts";
import type { Figure } from "../figure.ts";
import { median } from "../harness/statistics.ts";

const MB = 1_000_000;
const DAY_MB_MAX = 1.5;
/** The link is pinged after this long without traffic. */
const PING_EVERY_MS = PING_INTERVAL_MS;
const DAY_MS = 86_400_000;

/** Network traffic of an idle device. */
export const wire: Figure = {
  name: "wire",
  title: "bytes on the wire of an idle device",
  needsBuild: false,
  async run(bench) {
    const day = await bench.program("virtual-day", [bench.folder("wire"), "", "24", "0"]).next();
    const up = numberOf(day, "bytesUp");
    const down = numberOf(day, "bytesDown");
    const frames = numberOf(day, "frames");
    const pings = DAY_MS / PING_EVERY_MS;
    const floorBytes = pings * (frameBytes('{"t":"ping"}'.length, true) + frameBytes('{"t":"pong"}'.length, false));
    const floor = { name: "bare pings and pongs of that link", value: floorBytes / MB, unit: "MB" };
    const how = `24 h of virtual time after the first, the whole agent core with a player and the cloud's sessions; exact bytes of text, frame and mask in ${frames} frames; TCP, IP and TLS not counted`;
    return [
      { name: "wire.day", value: (up + down) / MB, unit: "MB", floor, target: { of: "value", atMost: DAY_MB_MAX }, how },
      { name: "wire.hour", value: median(numbersOf(day, "hourBytes")) / 1000, unit: "kB", floor: { ...floor, value: floorBytes / 24_000, unit: "kB" }, how: "median of the 24 hours of that day" },
      { name: "wire.day-up", value: up / MB, unit: "MB", how: "of it from the device" },
      { name: "wire.day-down", value: down / MB, unit: "MB", how: "of it to the device" },
    ];
  },
};
