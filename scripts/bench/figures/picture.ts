import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { findChromium } from "../../setup/find-browser.ts";
import { thisMachine } from "../../setup/machine.ts";
import { findFile, sendFile } from "../../dev-cloud/server/static-files.ts";
import type { Figure } from "../figure.ts";
import { bareFirstPictureMs } from "../harness/bare-chromium.ts";
import type { Bench } from "../harness/bench.ts";
import { NpmStart } from "../harness/npm-start.ts";
import { median } from "../harness/statistics.ts";

const MIB = 1024 * 1024;
const SETTLE_MS = 5_000;

/** Time of `npm start` until the first picture of the sample player, compared with bare Chromium; and the launcher's memory. */
export const picture: Figure = {
  name: "picture",
  title: "npm start until the first picture, and its own memory",
  needsBuild: true,
  async run(bench) {
    const chromium = await findChromium({ root: bench.root, install: false, machine: thisMachine });
    if (!chromium.ok) throw new Error(chromium.error.message);
    const { path, version } = chromium.value;
    const url = await serveSample(bench);
    const data = bench.folder("npm-start");
    // The first start must build everything, and a build helper could remain.
    rmSync(join(bench.root, "dist/.inputs"), { force: true });
    const first = await once(bench, data, path, true);
    const fresh = await once(bench, bench.folder("npm-start"), path);
    const runs = bench.pick(5, 2);
    const bareMs: number[] = [];
    const oursMs: number[] = [];
    const profile = bench.folder("profile");
    await bareFirstPictureMs(path, url, profile);
    for (let run = 0; run < runs; run += 1) {
      bareMs.push(await bareFirstPictureMs(path, url, profile));
      oursMs.push((await once(bench, data, path)).pictureMs);
    }
    const floor = { name: `bare Chromium ${version}, same page`, value: median(bareMs), unit: "ms" };
    return [
      { name: "picture.again", value: median(oursMs), unit: "ms", floor, target: { of: "ratio", atMost: 1.5 }, how: `median of ${runs} starts on a used data folder by turns with the floor` },
      { name: "picture.fresh", value: fresh.pictureMs, unit: "ms", floor, how: "one start on an empty data folder: makes the device, claims it and hands it its content" },
      { name: "picture.own-memory", value: first.ownBytes / MIB, unit: "MiB", target: { of: "value", atMost: 110 }, how: `resident memory of the launcher and its net ${SETTLE_MS / 1_000} s after the first picture of a start that built everything` },
    ];
  },
};

async function once(bench: Bench, data: string, browser: string, settles = false): Promise<{ readonly pictureMs: number; readonly ownBytes: number }> {
  const run = await NpmStart.begin(bench.root, data, browser);
  bench.onEnd(() => run.stop());
  const pictureMs = await run.firstPictureMs();
  if (settles) await bench.sleep(SETTLE_MS);
  const ownBytes = run.ownBytes();
  await run.stop();
  return { pictureMs, ownBytes };
}

async function serveSample(bench: Bench): Promise<string> {
  const folder = join(bench.root, "dist/sample");
  const server = createServer((request, response) => {
    void findFile(folder, (request.url ?? "/").slice(1)).then(async (file) => {
      if (file === undefined) response.writeHead(404).end();
      else await sendFile(request, response, file);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  bench.onEnd(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
