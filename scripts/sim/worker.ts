import { parentPort } from "node:worker_threads";
import { simulate, type SimulationOptions } from "./simulation.ts";

/** Runs one seed after the other, as it is told. A seed that throws is a fault of the simulation itself. */
const port = parentPort;
if (port === null) throw new Error("this runs as a worker of scripts/sim/main.ts");
port.on("message", (options: SimulationOptions) => {
  simulate(options).then(
    (result) => port.postMessage(result),
    (thrown: unknown) => {
      throw thrown;
    },
  );
});
