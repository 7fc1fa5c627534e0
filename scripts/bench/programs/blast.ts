/**
 * Reference sender for the drain: ready-made frames, no disk reads. `blast.ts BASE COUNT FRAME_RECORDS WINDOW`. Prints
 * `{ ms }`, from the first frame until the cloud has stored the last record.
 */
import { TestDevice } from "../../dev-cloud/testing/test-device.ts";
import { playBody } from "../harness/sample-records.ts";

const [base = "", count, frameRecords, windowRecords] = process.argv.slice(2);
const total = Number(count);
const device = await TestDevice.create();
await device.join(base);
const frames: { readonly text: string; readonly last: number }[] = [];
for (let first = 1; first <= total; first += Number(frameRecords)) {
  const last = Math.min(total, first + Number(frameRecords) - 1);
  const records = Array.from({ length: last - first + 1 }, (_, at) => ({ seq: first + at, kind: "play", wall: Date.now(), mono: first + at, body: playBody(first + at) }));
  frames.push({ text: JSON.stringify({ t: "records", stream: "play", log: device.log, boot: "b", clock: "synced", replay: true, records }), last });
}
const startMs = performance.now();
for (const { text, last } of frames) {
  while (last - (device.stored.play ?? 0) > Number(windowRecords)) await new Promise((resolve) => setImmediate(resolve));
  device.sendText(text);
}
while ((device.stored.play ?? 0) < total) await new Promise((resolve) => setImmediate(resolve));
console.log(JSON.stringify({ ms: performance.now() - startMs }));
await device.leave();
