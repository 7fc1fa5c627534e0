import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { CdpError, type Cdp } from "../cdp/cdp-client.ts";
import { GpuWatch } from "./gpu-watch.ts";

/** The GPU process id at each poll; `none`: the browser lists no GPU process; `silent`: it does not answer. */
type Polls = readonly (number | "none" | "silent")[];

async function watch(polls: Polls): Promise<{ readonly deaths: number; readonly worn: readonly string[] }> {
  const time = new VirtualTime();
  const left = [...polls];
  const call = (): Promise<unknown> => {
    const gpu = left.shift() ?? "silent";
    if (gpu === "silent") return Promise.reject(new CdpError("timeout", "no answer"));
    return Promise.resolve({ processInfo: [{ type: "browser", id: 1, cpuTime: 0 }, ...(gpu === "none" ? [] : [{ type: "GPU", id: gpu, cpuTime: 0 }])] });
  };
  const worn: string[] = [];
  const over = new AbortController();
  const gpu = new GpuWatch({ cdp: { call } as unknown as Cdp, timers: time, log: silentLog, worn: (why) => void worn.push(why) });
  const running = gpu.run(over.signal);
  await time.advance(2_000 * polls.length);
  over.abort();
  await running;
  return { deaths: gpu.deaths, worn };
}

describe("a GPU process", () => {
  test("has died when another one replaces it", async () => {
    expect(await watch([10, 10, 11])).toEqual({ deaths: 1, worn: [] });
  });

  test("has died even if nothing replaces it", async () => {
    expect(await watch([10, 10, "none", "none"])).toEqual({ deaths: 1, worn: [] });
  });

  test("has died once if it is replaced after a pause", async () => {
    expect(await watch([10, 10, "none", 11, 11])).toEqual({ deaths: 1, worn: [] });
  });

  test("is not taken for dead when the browser does not answer", async () => {
    expect(await watch([10, 10, "silent", 10])).toEqual({ deaths: 0, worn: [] });
  });

  test("may be replaced once while the browser starts", async () => {
    expect(await watch([10, 11, 11, "none"])).toEqual({ deaths: 1, worn: [] });
  });

  test("is reported as worn at the second death, even without a replacement", async () => {
    const { deaths, worn } = await watch([10, 10, 11, "none"]);
    expect(deaths).toBe(2);
    expect(worn).toEqual([expect.stringContaining("gpu.process-died: ")]);
  });
});
