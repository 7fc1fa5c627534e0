import { describe, expect, test } from "vitest";
import { readStorageHealth } from "./storage-health.ts";
import { fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

/** A Raspberry Pi with the card in its slot, in the kernel's form. */
const card: Fixture = {
  "sys/dev/block/179:2": "-> ../../devices/platform/emmc2bus/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/mmcblk0p2",
  "sys/block/mmcblk0/device/type": "SD\n",
  "sys/block/mmcblk0/device/name": "SC32G\n",
  "sys/block/mmcblk0/device/serial": "0x2a3b4c5d\n",
  "sys/block/mmcblk0/device/date": "03/2024\n",
  "sys/block/mmcblk0/device/manfid": "0x000003\n",
};
const emmc: Fixture = {
  ...card,
  "sys/block/mmcblk0/device/type": "MMC\n",
  "sys/block/mmcblk0/device/life_time": "0x02 0x0a\n",
  "sys/block/mmcblk0/device/pre_eol_info": "0x02\n",
};
const read = (fixture: Fixture, number = "179:2") => readStorageHealth(fixtureFiles(fixture), () => number, 7);

describe("the storage's health", () => {
  test("a memory card is named; it has no estimate of its life, which is not zero", () => {
    expect(read(card)).toMatchObject({
      device: { kind: "ok", value: "mmcblk0", atMs: 7 },
      card: { kind: "ok", value: { kind: "sd", name: "SC32G", serial: "0x2a3b4c5d", made: "03/2024", manufacturer: "0x000003" } },
      lifeUsedPercent: { kind: "unsupported" },
      reserve: { kind: "unsupported" },
      fileSystems: { kind: "unsupported" },
    });
  });

  test("an eMMC's life is the worse of its two estimates, and its reserve a word", () => {
    expect(read(emmc)).toMatchObject({ lifeUsedPercent: { kind: "ok", value: 100 }, reserve: { kind: "ok", value: "warning" } });
  });

  test.each([
    ["0x00 0x00", { kind: "unknown", why: "the card does not estimate it" }],
    ["0x0b 0x01", { kind: "ok", value: 110, atMs: 7 }],
    ["0x0c 0x01", { kind: "unknown", why: expect.stringContaining("form") as string }],
    ["0x01", { kind: "unknown", why: expect.stringContaining("form") as string }],
    [undefined, { kind: "failed", error: { code: "file.unreadable" } }],
  ])("a life time of %s is %j", (text, answer) => {
    expect(read({ ...emmc, "sys/block/mmcblk0/device/life_time": text }).lifeUsedPercent).toMatchObject(answer);
  });

  test.each([["0x00", "unknown"], ["0x04", "unknown"], ["0x03", "ok"]])("a reserve of %s is %s", (text, kind) => {
    expect(read({ ...emmc, "sys/block/mmcblk0/device/pre_eol_info": text }).reserve.kind).toBe(kind);
  });

  test("errors come from every ext4 file system, with their times; the folder of features is none", () => {
    const files = {
      ...card,
      "sys/fs/ext4/features/lazy_itable_init": "supported\n",
      "sys/fs/ext4/mmcblk0p2/errors_count": "12\n",
      "sys/fs/ext4/mmcblk0p2/first_error_time": "1764000000\n",
      "sys/fs/ext4/mmcblk0p2/last_error_time": "1764003600\n",
      "sys/fs/ext4/sda1/errors_count": "0\n",
      "sys/fs/ext4/sda1/first_error_time": "0\n",
    };
    expect(read(files).fileSystems).toEqual({
      kind: "ok", atMs: 7,
      value: [{ name: "mmcblk0p2", count: 12, firstMs: 1_764_000_000_000, lastMs: 1_764_003_600_000 }, { name: "sda1", count: 0 }],
    });
  });

  test("the disk below a mapped device is found; an anonymous device number names none", () => {
    const mapped = {
      ...card,
      "sys/dev/block/254:0": "-> ../../devices/virtual/block/dm-0",
      "sys/block/dm-0/slaves/mmcblk0p3/dev": "179:3\n",
      "sys/class/block/mmcblk0p3": "-> ../../devices/platform/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/mmcblk0p3",
    };
    expect(read(mapped, "254:0").device).toMatchObject({ value: "mmcblk0" });
    expect(read(card, "0:42").device).toMatchObject({ kind: "unknown" });
    expect(readStorageHealth(fixtureFiles(card), () => { throw new Error("ENOENT: /data"); }, 7)).toMatchObject({
      device: { kind: "failed", error: { code: "probe.disk", message: "ENOENT: /data" } }, card: { kind: "unsupported" },
    });
  });
});
