import type { SystemProbe } from "../../../../platform/ports/host.ts";
import type { FileSystemErrors } from "../../../../platform/ports/machine-facts.ts";
import { bad, good, unsupported, warning, type DiagnosticCheck } from "../diagnostic-check.ts";
import { wearIssue } from "../machine-sources.ts";
import { unseen } from "./machine-checks.ts";

/** The voltage and clock of this moment. `health` judges several readings. */
export function supplyCheck(probe: SystemProbe): DiagnosticCheck {
  return {
    name: "power supply",
    async run() {
      const low = await probe.undervoltage();
      const throttling = await probe.throttling();
      if (low.kind !== "ok") return unseen(low, "its supply voltage");
      if (low.value) return bad("the supply voltage is too low", "use a stronger power supply and a short, thick cable");
      if (throttling.kind === "ok" && throttling.value.throttled) return warning("the voltage is enough, but the firmware slows the processor down", "improve the ventilation");
      return good("the voltage is enough");
    },
  };
}

export function storageHealthCheck(probe: SystemProbe): DiagnosticCheck {
  return {
    name: "storage health",
    async run() {
      const storage = await probe.storage();
      const { device, card, lifeUsedPercent, fileSystems } = storage;
      const worn = wearIssue(storage);
      const errors = fileSystems.kind === "ok" ? fileSystems.value.filter(({ count }) => count > 0) : [];
      if (errors.length > 0) return bad(errors.map(errorText).join("; "), "repair the file system with e2fsck; if errors return, replace the card");
      if (worn !== undefined) return warning(worn.message, "replace the card before it fails");
      if (fileSystems.kind !== "ok" && lifeUsedPercent.kind !== "ok") {
        return fileSystems.kind === "unsupported" ? unsupported("this machine does not report the health of its storage") : unseen(fileSystems, "the file systems' errors");
      }
      const what = card.kind === "ok" ? `${card.value.kind === "sd" ? "SD card" : "eMMC"} ${card.value.name} of ${card.value.made}` : device.kind === "ok" ? device.value : "the disk";
      return good(`${what}: no errors recorded${lifeUsedPercent.kind === "ok" ? `, at most ${lifeUsedPercent.value} % of its rated life used` : ""}`);
    },
  };
}

function errorText({ name, count, lastMs }: FileSystemErrors): string {
  return `${name} recorded ${count} errors${lastMs === undefined ? "" : `, the last on ${new Date(lastMs).toISOString().slice(0, 10)}`}`;
}

export function storageTrialCheck(probe: SystemProbe): DiagnosticCheck {
  return {
    name: "storage trial",
    async run() {
      const trial = await probe.tryStorage();
      if (trial.kind !== "ok") return unseen(trial, "how the disk writes and reads");
      const { writeMs, readMs, fromDisk } = trial.value;
      const says = `4 KiB written in ${writeMs.toFixed(1)} ms and read in ${readMs.toFixed(1)} ms${fromDisk ? "" : " (through memory: this file system does not allow more)"}`;
      return writeMs + readMs < 5_000 ? good(says) : warning(says, "replace the card if this happens again");
    },
  };
}

export function pressureCheck(probe: SystemProbe): DiagnosticCheck {
  return {
    name: "pressure",
    async run() {
      const pressure = await probe.pressure();
      if (pressure.kind !== "ok") return unseen(pressure, "pressure; on Raspberry Pi OS add psi=1 to cmdline.txt");
      const { cpu, memory, io } = pressure.value;
      const says = `of the last five minutes some program waited ${cpu.some.fiveMinutesPercent} % for the processor, ${memory.some.fiveMinutesPercent} % for memory, ${io.some.fiveMinutesPercent} % for the disk`;
      return (memory.full ?? memory.some).fiveMinutesPercent < 10 ? good(says) : warning(says, "use lighter content, or a machine with more memory");
    },
  };
}
