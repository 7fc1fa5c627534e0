import { describe, expect, test } from "vitest";
import { fail, ok } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import type { CommandRunner } from "./command-runner.ts";
import { readLinuxInventory } from "./linux-inventory.ts";
import { fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

const read = (printed: unknown, fixture: Fixture = {}) => {
  const run: CommandRunner = () => Promise.resolve(ok(typeof printed === "string" ? printed : JSON.stringify(printed)));
  return readLinuxInventory(fixtureFiles(fixture), new VirtualTime(), run);
};

const PC = {
  system: { manufacturer: "Intel(R) Client Systems", model: "NUC11TNHi5", serial: "G6TN1234" },
  os: { distro: "Debian GNU/Linux", release: "13", kernel: "6.12.0", arch: "x64" },
  cpu: { manufacturer: "Intel", brand: "Core™ i5-1135G7", cores: 8 },
  memory: { total: 8_225_000_000 },
};

describe("Linux inventory", () => {
  test("reports what the machine reports", async () => {
    expect(await read(PC)).toMatchObject({
      model: { kind: "ok", value: "Intel(R) Client Systems NUC11TNHi5" },
      serial: { kind: "ok", value: "G6TN1234" },
      os: { kind: "ok", value: "Debian GNU/Linux 13" },
      cpu: { kind: "ok", value: "Intel Core™ i5-1135G7" },
      cpuCores: { kind: "ok", value: 8 },
      memoryBytes: { kind: "ok", value: 8_225_000_000 },
    });
  });

  test("prefers a board's device tree to its firmware tables", async () => {
    const tree = {
      "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\u0000",
      "proc/device-tree/serial-number": "10000000abcdef01\u0000",
    };
    expect(await read(PC, tree)).toMatchObject({
      model: { value: "Raspberry Pi 4 Model B Rev 1.4" },
      serial: { value: "10000000abcdef01" },
    });
  });

  const fillers = ["", "-", "Default string", "To Be Filled By O.E.M.", "Not Specified", "0000000000", "None"];
  test.each(fillers)("takes %j for no serial number", async (serial) => {
    expect((await read({ ...PC, system: { ...PC.system, serial } })).serial).toMatchObject({ kind: "unknown" });
  });

  test("reports empty texts and zeros as unknown, and each failed part separately", async () => {
    const inventory = await read({ ...PC, cpu: { manufacturer: "", brand: "", cores: 0 }, memory: { failure: "Error: no /proc" } });
    expect(inventory).toMatchObject({
      cpu: { kind: "unknown" },
      cpuCores: { kind: "unknown" },
      memoryBytes: { kind: "failed", error: { code: "inventory.failed" } },
      os: { kind: "ok" },
    });
  });

  test("does not repeat a manufacturer that is part of the model's name", async () => {
    const system = { manufacturer: "ASUS", model: "ASUS PN42", serial: "x1" };
    expect((await read({ ...PC, system })).model).toMatchObject({ value: "ASUS PN42" });
  });

  test("loses only the requested facts if a child process fails, hangs or prints nonsense", async () => {
    const tree = { "proc/sys/kernel/osrelease": "6.12.0\n" };
    const late: CommandRunner = () => Promise.resolve(fail("program.timed-out", "still running"));
    const hung = await readLinuxInventory(fixtureFiles(tree), new VirtualTime(), late);
    for (const inventory of [await read("{", tree), await read("[]", tree), hung]) {
      expect(inventory.model).toMatchObject({ kind: "failed", error: { code: "inventory.failed" } });
      expect(inventory.cpuCores).toMatchObject({ kind: "failed" });
      expect(inventory.kernel).toMatchObject({ kind: "ok", value: "6.12.0" });
    }
  });
});
