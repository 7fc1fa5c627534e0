import { expect } from "expect";
import type { Check } from "../agent/checks.ts";
import type { EmulatedImage } from "./emulated-image.ts";
import type { ImageBench } from "./image-bench.ts";

const LOWER = "/run/vitrine-root/lower";
/** Sectors written to the root's partition since the machine was switched on. */
const ROOT_SECTORS = `awk '{ print $7 }' "/sys/class/block/$(basename "$(findmnt -no SOURCE ${LOWER})")/stat"`;
/** After the boot partition and the root. */
const STATE_PARTITION = 3;
/** Five minutes for the device to appear (fstab), two until the reboot, and the boot itself. */
const REBOOT_MS_MAX = 15 * 60_000;
/** A file in each folder that has to last, and one in the system, which must not. */
const LASTING = ["/var/lib/vitrine", "/var/lib/vitrine-player", "/var/lib/vitrine-content", "/var/lib/vitrine-certificates", "/var/lib/vitrine-releases", "/var/log/vitrine-player", "/var/lib/NetworkManager", "/etc/NetworkManager/system-connections", "/var/lib/systemd/timesync"];
const MARKS = [...LASTING, "/etc", "/usr/lib", "/var/lib"].map((folder) => `${folder}/bench-mark`);

/** A read-only root, from the second boot on: the checks before have cut the power of the first one. */
export const READ_ONLY_CHECKS: readonly Check<ImageBench>[] = [
  {
    name: "from the second boot on the root is read-only under an overlay in memory, and nothing is written to its partition",
    async run({ pi }) {
      expect(await pi.read("findmnt -no FSTYPE /")).toBe("overlay");
      expect(await pi.read(`findmnt -no OPTIONS ${LOWER}`)).toMatch(/^ro,/);
      expect(await pi.read(ROOT_SECTORS)).toBe("0");
      expect(await pi.read("systemctl list-units --failed --plain --no-legend | cut -d' ' -f1")).toBe("");
    },
  },
  {
    name: "what the device must keep lasts over a power cut, and what was changed in the system does not",
    async run({ pi }) {
      const identity = await pi.status();
      await pi.read(`for mark in ${MARKS.join(" ")}; do echo bench > "$mark" || exit; done; sync`);
      await pi.cutPower();
      await pi.boot();
      expect(await marksIn(pi)).toEqual(LASTING.map((folder) => `${folder}/bench-mark`));
      const { deviceId, owner } = await pi.until("the agent answers", () => pi.status());
      expect({ deviceId, owner }).toEqual({ deviceId: identity?.deviceId, owner: identity?.owner });
    },
  },
  {
    name: "a state partition that cannot be mounted has the device reboot, and it comes back once it can",
    async run({ pi }) {
      await pi.cutPower();
      await pi.labelPartition(STATE_PARTITION, "gone");
      const machine = await pi.switchOn();
      // QEMU ends where the machine would reboot.
      await machine.seen(/(?!)/, REBOOT_MS_MAX);
      expect(machine.isOver).toBe(true);
      await pi.labelPartition(STATE_PARTITION, "vitrine-state");
      await pi.boot();
      await pi.until("the agent answers", () => pi.status());
    },
  },
];

async function marksIn(pi: EmulatedImage): Promise<readonly string[]> {
  return (await pi.read(`for mark in ${MARKS.join(" ")}; do [ ! -e "$mark" ] || echo "$mark"; done`)).split("\n");
}
