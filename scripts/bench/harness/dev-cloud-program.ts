import { join } from "node:path";
import { isJsonObject, type Json } from "../../../platform/runtime/json.ts";
import type { Bench } from "./bench.ts";
import type { ChildProgram } from "./child-program.ts";

/** The development cloud as a child process that stores on the disk under test and claims every device. */
export class DevCloudProgram {
  readonly child: ChildProgram;
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** WebSocket address for devices. */
  readonly address: string;

  static async start(bench: Bench): Promise<DevCloudProgram> {
    const data = bench.folder("cloud");
    const child = bench.node(join(bench.root, "dist/dev-cloud/main.js"), ["--json", "--port", "0", "--data", data, "--auto-claim", "--records-max", "100000000"]);
    const { url, deviceEndpoint } = await child.next();
    if (typeof url !== "string" || typeof deviceEndpoint !== "string") throw new Error("the development cloud did not say where it is");
    return new DevCloudProgram(child, url, deviceEndpoint);
  }

  private constructor(child: ChildProgram, base: string, address: string) {
    this.child = child;
    this.base = base;
    this.address = address;
  }

  /** Number of records stored since it started. */
  async recordsStored(): Promise<number> {
    const info = (await (await fetch(`${this.base}/api/v1/info`)).json()) as Json;
    const counters = isJsonObject(info) ? info["counters"] : undefined;
    const stored = counters !== undefined && isJsonObject(counters) ? counters["recordsStored"] : undefined;
    if (typeof stored !== "number") throw new Error("the development cloud does not tell how many records it stored");
    return stored;
  }
}
