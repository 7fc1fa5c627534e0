import { expect, test } from "vitest";
import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { transportConformance } from "../../core/cloud/transport.conformance.ts";
import { loopbackWorld } from "./testing/loopback-world.ts";
import { SEND_BUFFER_BYTES_MAX, WsTransport } from "./ws-transport.ts";

const timers = new SystemTimers();

const transport = (): WsTransport => new WsTransport({ timers, clockQuality: async () => "synced" });

transportConformance("WsTransport", transport, () => loopbackWorld());
transportConformance("WsTransport to a server that compresses", transport, () => loopbackWorld({ compress: true }));

test("what waits to be sent stays below the limit in bytes, whatever the letters", async () => {
  const world = await loopbackWorld();
  const opened = await transport().connect(world.url, { frame: () => {}, closed: () => {} }, new AbortController().signal);
  if (!opened.ok) throw new Error(opened.error.message);
  // Three bytes each: the last of eight frames would fit if characters were counted. Nothing is sent within this turn.
  const frame = "終".repeat(40_960);
  while (opened.value.send(frame)) expect(opened.value.bufferedBytes()).toBeLessThanOrEqual(SEND_BUFFER_BYTES_MAX);
  expect(opened.value.bufferedBytes()).toBeGreaterThan(SEND_BUFFER_BYTES_MAX - 3 * frame.length);
  opened.value.close("done");
  await world.stop();
});
