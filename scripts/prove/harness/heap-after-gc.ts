import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Bytes in use on V8's heap after garbage collection. */
export function heapAfterGc(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  // A second run collects what finalizers released in the first.
  collect();
  return process.memoryUsage().heapUsed;
}
