import { join } from "node:path";
import { socketPlaceOf } from "../../../platform/node/socket-folder.ts";
import { playerSocketPath } from "../../../player-host/contract/socket-path.ts";
import { FakeAgent } from "../../../player-host/shells/testing/fake-agent.ts";
import { openSite } from "../../../player-host/shells/testing/test-site.ts";
import { findChromium } from "../../setup/find-browser.ts";
import { thisMachine } from "../../setup/machine.ts";
import { PLAYER_NODE_FLAGS } from "../../start/programs.ts";
import type { Figure } from "../figure.ts";
import { memoryOf, processorSecondsOf } from "../harness/proc-files.ts";
import { median } from "../harness/statistics.ts";

const MIB = 1024 * 1024;
const MEMORY_TIMES_MAX = 1.5;

/** The player host's Node process with a still page on the screen and a stand-in for the agent; the browser's own processes are not counted. */
export const host: Figure = {
  name: "host",
  title: "player host at rest, without its browser: memory and processor time",
  needsBuild: true,
  async run(bench) {
    const chromium = await findChromium({ root: bench.root, install: false, machine: thisMachine });
    if (!chromium.ok) throw new Error(chromium.error.message);
    const { path, version } = chromium.value;
    const runs = bench.pick(3, 1);
    const settleMs = bench.pick(20_000, 6_000);
    const windowMs = bench.pick(30_000, 10_000);
    const site = await openSite();
    bench.onEnd(() => site.close());
    const bareRss: number[] = [];
    const ours: { readonly rss: number; readonly anonymous: number; readonly cpuPercent: number }[] = [];
    for (let run = 0; run < runs; run += 1) {
      const bare = bench.node("-e", ["setInterval(()=>{},1e6)"]);
      const data = bench.folder("host");
      const socket = playerSocketPath(socketPlaceOf(data)).path;
      const agent = new FakeAgent(socket, { kind: "content", content: { kind: "url", id: "still", url: site.url("/blue"), grants: [] } });
      await agent.start();
      bench.onEnd(() => agent.stop());
      const child = bench.nodeAsShipped(PLAYER_NODE_FLAGS, join(bench.root, "dist/player-host/chromium.js"), ["--data", data, "--browser", path, "--headless"]);
      await agent.hears("stage", 0, ({ picture }) => picture.verdict === "showing");
      await bench.sleep(settleMs);
      const before = processorSecondsOf(child.pid).own;
      const startMs = performance.now();
      await bench.sleep(windowMs);
      const cpuPercent = (100_000 * (processorSecondsOf(child.pid).own - before)) / (performance.now() - startMs);
      const { rss, anonymous } = memoryOf(child.pid);
      ours.push({ rss, anonymous, cpuPercent });
      bareRss.push(memoryOf(bare.pid).rss);
      await child.stop();
      await bare.stop();
    }
    const how = `${runs} player hosts over headless Chromium ${version}, whose processes are not counted, by turns; ${settleMs / 1000} s after the first picture, over ${windowMs / 1000} s; medians`;
    const floor = { name: "bare Node", value: median(bareRss) / MIB, unit: "MiB" };
    return [
      { name: "host.idle.memory", value: median(ours.map(({ rss }) => rss)) / MIB, unit: "MiB", floor, target: { of: "ratio", atMost: MEMORY_TIMES_MAX }, how },
      { name: "host.idle.memory-anonymous", value: median(ours.map(({ anonymous }) => anonymous)) / MIB, unit: "MiB", how },
      { name: "host.idle.cpu", value: median(ours.map(({ cpuPercent }) => cpuPercent)), unit: "% of a core", how },
    ];
  },
};
