import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outputsConformance } from "../ports/outputs.conformance.ts";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import { SimulatedCompositor } from "../simulated/simulated-compositor.ts";
import { err, fail, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { openDrmChanges, pollDrm } from "./drm-changes.ts";
import { DrmOutputs, modeInState } from "./drm-outputs.ts";
import { parseEdid } from "./edid.ts";
import { drmFixture, edidBlock, fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

function open(change: Fixture = {}) {
  const time = new VirtualTime();
  const fixture: Fixture = { ...drmFixture(), ...change };
  const files = fixtureFiles(fixture);
  const outputs = new DrmOutputs(files, time, pollDrm(files, time));
  return { time, fixture, files, outputs };
}

outputsConformance(
  "linux (fixture of /sys/class/drm)",
  () => {
    const { time, fixture, outputs } = open();
    // The suite waits 50 ms after unplugging but the poll needs 2 s, so the bench's clock runs faster.
    const bench = virtualBenchTime(time);
    return Promise.resolve({
      outputs,
      time: { ...bench, pass: (durationMs: number) => bench.pass(durationMs * 50) },
      plugged: "HDMI-A-1",
      empty: "HDMI-A-2",
      plug: (connected: boolean) => {
        fixture["sys/class/drm/card1-HDMI-A-1/status"] = connected ? "connected\n" : "disconnected\n";
      },
      close: () => Promise.resolve(outputs.close()),
    });
  },
  { hotPlug: true },
);

describe("DRM outputs", () => {
  test("report the mode in use from the kernel's state, never from the list of possible modes", async () => {
    const [hdmi] = await open().outputs.list();
    expect(hdmi?.mode).toMatchObject({ kind: "ok", value: { width: 1_920, height: 1_080, refreshHz: 60 } });
    const [unreadable] = await open({ "sys/kernel/debug/dri/1/state": undefined }).outputs.list();
    expect(unreadable?.mode).toMatchObject({ kind: "unknown" });
    expect(unreadable?.connected).toMatchObject({ kind: "ok", value: true });
  });

  test("report the compositor's mode where the kernel's state cannot be read, and stay unknown without either", async () => {
    const time = new VirtualTime();
    const compositor = new SimulatedCompositor(time);
    const files = fixtureFiles({ ...drmFixture(), "sys/kernel/debug/dri/1/state": undefined });
    const outputs = new DrmOutputs(files, time, pollDrm(files, time), compositor);
    compositor.plug("HDMI-A-2");
    const [plugged, empty] = await outputs.list();
    expect(plugged?.mode).toMatchObject({ kind: "ok", value: { width: 1_920, height: 1_080 } });
    expect(empty?.mode).toEqual({ kind: "unknown", why: "nothing is plugged in" });
    compositor.mood = "gone";
    expect((await outputs.list())[0]?.mode).toMatchObject({ kind: "unknown" });
  });

  test("are polled, with an issue, where the kernel's announcements cannot be heard", async () => {
    const { time, fixture, files } = open();
    const deaf = ok({ netlink: () => err({ name: "EAFNOSUPPORT" }), poll: () => ok(() => {}) });
    for (const native of [deaf, fail("kernel.no-native", "no library")]) {
      const { changes, issue } = openDrmChanges(native, files, time);
      expect(issue).toMatchObject({ code: "outputs.polled", message: expect.stringMatching(/EAFNOSUPPORT|no library/) as string });
      let calls = 0;
      changes.onChange(() => (calls += 1));
      // Another display on the same connector, exchanged between two looks.
      fixture["sys/class/drm/card1-HDMI-A-1/edid"] = edidBlock({ manufacturer: "LGD", product: calls });
      await time.advance(2_000);
      expect(calls).toBe(1);
      changes.close();
      fixture["sys/class/drm/card1-HDMI-A-1/edid"] = edidBlock({ manufacturer: "SAM", product: 7 });
    }
  });

  test("keep a fractional refresh rate", () => {
    const state =
      'crtc[1]: c\n\tmode: "1920x1080": 60 148352 1920 2008 2052 2200 1080 1084 1089 1125 0x40 0x5\nconnector[2]: DP-1\n\tcrtc=c\n';
    expect(modeInState(state, "DP-1")).toEqual({ width: 1_920, height: 1_080, refreshHz: 59.94 });
    expect(modeInState(state, "DP-2")).toBeUndefined();
  });

  test("report each failed fact separately", async () => {
    const [hdmi] = await open({
      "sys/class/drm/card1-HDMI-A-1/edid": edidBlock({ manufacturer: "SAM", product: 1 }).fill(7, 20, 21),
      "sys/class/drm/card1-HDMI-A-1/dpms": "Sideways",
      "sys/class/drm/card1-HDMI-A-1/enabled": undefined,
    }).outputs.list();
    expect(hdmi?.connected.kind).toBe("ok");
    expect(hdmi?.edid).toMatchObject({ kind: "failed", error: { code: "outputs.bad-edid" } });
    expect(hdmi?.dpms).toMatchObject({ kind: "unknown" });
    expect(hdmi?.enabled).toMatchObject({ kind: "failed", error: { code: "file.unreadable" } });
  });

  test("have no port on a machine without a display controller", () => {
    expect(DrmOutputs.present(fixtureFiles({}))).toBe(false);
    expect(DrmOutputs.present(open().files)).toBe(true);
  });

  test("are polled only while somebody listens", async () => {
    const { time, outputs } = open();
    const undo = outputs.onChange(() => {});
    expect(time.pending().map((timer) => timer.name)).toEqual(["outputs.poll"]);
    undo();
    expect(time.pending()).toEqual([]);
    await time.advance(10_000);
  });
});

describe("EDID", () => {
  test("gives manufacturer, product, serial number and name", () => {
    expect(parseEdid(edidBlock({ manufacturer: "GSM", product: 23_312, serialNumber: 77, name: "LG TV SSCR2" }))).toEqual({
      ok: true,
      value: { manufacturer: "GSM", product: 23_312, serial: "77", name: "LG TV SSCR2" },
    });
    expect(parseEdid(edidBlock({ manufacturer: "PHL", product: 1, serialNumber: 77, serial: "AU5A1234" }))).toMatchObject({
      value: { serial: "AU5A1234", name: "" },
    });
  });

  test("is refused if any byte is changed, by its checksum", () => {
    const good = edidBlock({ manufacturer: "SNY", product: 5, name: "BRAVIA" });
    fc.assert(
      fc.property(fc.nat(127), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bad = good.slice();
        bad[at] = ((bad[at] ?? 0) + by) % 256;
        expect(parseEdid(bad)).toMatchObject({ ok: false, error: { code: "outputs.bad-edid" } });
      }),
    );
  });

  test("is parsed without an exception for any bytes, and extensions after the base block do not matter", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseEdid(bytes).ok).toBe(false);
      }),
    );
    expect(parseEdid(new Uint8Array([...edidBlock({ manufacturer: "NEC", product: 9 }), ...new Uint8Array(128).fill(3)])).ok).toBe(true);
  });
});
