import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Outputs } from "./outputs.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface OutputsBench {
  readonly outputs: Outputs;
  readonly time: BenchTime;
  /** Name of an output with a display, and of one without. */
  readonly plugged: string;
  readonly empty: string;
  /** Unplugs or plugs in the cable of `plugged`. */
  readonly plug?: (connected: boolean) => void;
  close(): Promise<void>;
}

/** The suite for every description of the machine's connectors. */
export function outputsConformance(name: string, open: () => Promise<OutputsBench>, options: { readonly hotPlug: boolean }): void {
  describe(`Outputs: ${name}`, () => {
    let bench: OutputsBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    const find = async (outputName: string) => {
      const output = (await bench.time.settled(bench.outputs.list())).find((candidate) => candidate.name === outputName);
      if (output === undefined) throw new Error(`no output ${outputName}`);
      return output;
    };

    test("names are unique and constant", async () => {
      const names = (await bench.time.settled(bench.outputs.list())).map((output) => output.name);
      expect(new Set(names).size).toBe(names.length);
      expect((await bench.time.settled(bench.outputs.list())).map((output) => output.name)).toEqual(names);
    });

    test("a connected output reports its mode and its display", async () => {
      const output = await find(bench.plugged);
      expect(output).toMatchObject({
        connected: { kind: "ok", value: true },
        enabled: { kind: "ok", value: true },
        dpms: { kind: "ok", value: "on" },
      });
      expect(output.edid).toMatchObject({ kind: "ok", value: { manufacturer: expect.stringMatching(/^[A-Z]{3}$/) as string } });
      expect(output.mode).toMatchObject({ kind: "ok", value: { width: expect.any(Number) as number } });
    });

    test("an empty output has neither, and says so", async () => {
      const output = await find(bench.empty);
      expect(output.connected).toMatchObject({ kind: "ok", value: false });
      expect(["unknown", "unsupported"]).toContain(output.edid.kind);
      expect(["unknown", "unsupported"]).toContain(output.mode.kind);
    });

    if (!options.hotPlug) {
      reportSkipped(`Outputs: ${name}: hot-plug`, "nothing can pull a cable here");
      return;
    }
    test("unplugging the cable is noticed, and plugging it in again", async () => {
      let calls = 0;
      const undo = bench.outputs.onChange(() => calls++);
      bench.plug?.(false);
      await bench.time.pass(50);
      expect(calls).toBe(1);
      expect((await find(bench.plugged)).connected).toMatchObject({ value: false });
      bench.plug?.(true);
      await bench.time.pass(50);
      expect(calls).toBe(2);
      expect((await find(bench.plugged)).edid.kind).toBe("ok");
      undo();
      bench.plug?.(false);
      await bench.time.pass(50);
      expect(calls).toBe(2);
    });
  });
}
