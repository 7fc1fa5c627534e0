import type { Figure } from "../figure.ts";
import { openPackageRoot } from "../../package/testing/package-root.ts";
import { container } from "../../package/testing/booted-root.ts";
import { FramePage } from "../../prove/updates/frame-page.ts";
import { ScreenDevice } from "../../prove/updates/screen-device.ts";
import { thisMachine } from "../../setup/machine.ts";

/** Frames are sent every half second. */
const SENT_MS = 1_500;
/** The updater ends, and the old files are removed. */
const SETTLE_MS = 10_000;

/**
 * Frames of a moving page on the real package (systemd, labwc, Chromium with its sandbox) while an agent-only release is downloaded, installed,
 * tried and confirmed, beside an equal time after it.
 */
export const frames: Figure = {
  name: "frames",
  title: "frames of the picture that an agent-only update costs",
  needsBuild: true,
  async run(bench) {
    const root = await openPackageRoot(thisMachine, "screen");
    if (!root.ok) throw new Error(root.error.message);
    const screen = await ScreenDevice.start({ ground: container("screen"), page: await FramePage.start(), installed: "1.0.0", releases: { "1.0.0": {}, "1.1.0": {} } });
    bench.onEnd(() => screen.close());
    await bench.sleep(bench.pick(20_000, 5_000));
    const before = await screen.facts();
    const updateFromMs = Date.now();
    const row = await screen.device.outcome(await screen.device.update("1.1.0", { holdSeconds: 10, trialMinutes: 5 }), 600_000);
    if (row.state !== "succeeded") throw new Error(`the update ended ${JSON.stringify(row.error)}`);
    const lengthMs = Date.now() - updateFromMs;
    await bench.sleep(SETTLE_MS);
    const quietFromMs = Date.now();
    await bench.sleep(lengthMs + SENT_MS);
    const during = screen.page.between(updateFromMs, updateFromMs + lengthMs);
    const quiet = screen.page.between(quietFromMs, quietFromMs + lengthMs);
    const after = await screen.facts();
    if (after.player !== before.player || after.renderers.join() !== before.renderers.join() || during.loads.length !== 1) throw new Error(`the player did not live through: ${JSON.stringify({ before, after, loads: during.loads })}`);
    const seconds = Math.round(lengthMs / 1_000);
    const how = `requestAnimationFrame of a moving page on the package under systemd, labwc and Chromium, over the ${seconds} s of a whole update, beside ${seconds} s after it; the same player process, renderers and load of the page throughout`;
    return [
      { name: "frames.agent-update.lost", value: during.lost, unit: "frames", floor: { name: "quiet time of the same run", value: quiet.lost, unit: "frames" }, target: { of: "value", atMost: 0 }, how: `${how}; a gap of more than 1.5 usual times (${screen.page.usualMs.toFixed(1)} ms) counts as the frames that it lacks; ${during.frames} frames were drawn, and ${quiet.frames} in the quiet time` },
      { name: "frames.agent-update.longest", value: during.longestMs, unit: "ms", floor: { name: "quiet time of the same run", value: quiet.longestMs, unit: "ms" }, how },
    ];
  },
};
