/**
 * An idle day of the agent in a few seconds. `virtual-day.ts FOLDER CLASSES HOURS PLAY_EVERY_MS`. CLASSES, separated by
 * commas: which of its files are real. PLAY_EVERY_MS of 0: no plays. The first hour is not counted. Prints bytes on the
 * wire, bytes written by the kernel's count, and records kept.
 */
import { memoryUsage } from "node:process";
import { writtenBytesOf } from "../harness/proc-files.ts";
import { samplePlay } from "../harness/sample-records.ts";
import { DISK_CLASSES, VirtualAgent } from "../harness/virtual-agent.ts";

const [folder = "", classes = "", hours, playEveryMs = "0"] = process.argv.slice(2);
const HOUR_MS = 3_600_000;

const disk = new Set(DISK_CLASSES.filter((name) => classes.split(",").includes(name)));
const device = await VirtualAgent.start(folder, disk);
await device.time.advance(HOUR_MS);
if (device.agent.link.status().kind !== "online") throw new Error("the virtual agent is not connected");
if (Number(playEveryMs) > 0) play(0);
const before = device.wire.read();
const types = new Map(device.wire.byType);
const writtenBefore = writtenBytesOf(process.pid);
const hourBytes: number[] = [];
for (let hour = 0; hour < Number(hours); hour += 1) {
  const then = device.wire.read();
  await device.time.advance(HOUR_MS);
  const now = device.wire.read();
  hourBytes.push(now.bytesUp + now.bytesDown - then.bytesUp - then.bytesDown);
}
const after = device.wire.read();
const written = writtenBytesOf(process.pid) - writtenBefore;
const byType: Record<string, number> = {};
for (const [type, bytes] of device.wire.byType) byType[type] = bytes - (types.get(type) ?? 0);
console.log(
  JSON.stringify({
    hourBytes, byType, written, rss: memoryUsage.rss(),
    bytesUp: after.bytesUp - before.bytesUp, bytesDown: after.bytesDown - before.bytesDown,
    frames: after.framesUp + after.framesDown - before.framesUp - before.framesDown,
  }),
);
process.exit(0);

/** Not awaited: each hour waits for all writes. */
function play(at: number): void {
  device.time.after("bench.play", Number(playEveryMs), () => play(at + 1));
  device.agent.ports.outbox.append(samplePlay(at)).then(
    (done) => {
      if (!done.ok) throw new Error(done.error.message);
    },
    (thrown: unknown) => {
      throw thrown;
    },
  );
}
