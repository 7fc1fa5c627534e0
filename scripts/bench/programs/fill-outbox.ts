/** Fills an outbox file with records as the agent would. `fill-outbox.ts FOLDER COUNT`. Prints `{ filled }`. */
import { openOutbox } from "../harness/bench-outbox.ts";
import { samplePlay } from "../harness/sample-records.ts";

const [folder = "", count] = process.argv.slice(2);
const outbox = await openOutbox(folder);
const WRITERS = 512;
let next = 0;
await Promise.all(
  Array.from({ length: WRITERS }, async () => {
    while (next < Number(count)) {
      const done = await outbox.append(samplePlay((next += 1)));
      if (!done.ok) throw new Error(done.error.message);
    }
  }),
);
const { newest, oldest } = outbox.ranges().play;
await outbox.close();
console.log(JSON.stringify({ filled: newest - oldest + 1 }));
