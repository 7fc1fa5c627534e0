// The net under `npm start`: it reads the process groups that were started (+pid) and that ended (-pid)
// from its standard input. When the input closes although groups are left, whoever started them was
// killed; then they are asked to end and, two seconds later, killed.
import { createInterface } from "node:readline";

const GRACE_MS = 2_000;
/** @type {Set<number>} */
const groups = new Set();

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  // 0 and 1 would mean our own group and every process there is.
  if (!Number.isSafeInteger(pid) || pid < 2) continue;
  if (line.startsWith("+")) groups.add(pid);
  else groups.delete(pid);
}
endAll("SIGCONT");
endAll("SIGTERM");
if (groups.size > 0) setTimeout(() => endAll("SIGKILL"), GRACE_MS);

/** @param {NodeJS.Signals} signal */
function endAll(signal) {
  for (const pid of groups) {
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended by itself meanwhile.
      groups.delete(pid);
    }
  }
}
