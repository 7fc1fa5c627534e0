import type { ClockControl, NetworkControl, SystemProbe } from "../../../../platform/ports/host.ts";
import type { Reading } from "../../../../platform/ports/reading.ts";
import { bad, good, unsupported, warning, type CheckAnswer, type DiagnosticCheck } from "../diagnostic-check.ts";
import { DISK_FULL_BYTES } from "../health-source.ts";

export function diskCheck(probe: SystemProbe, keepFreeBytes: number): DiagnosticCheck {
  return {
    name: "disk space",
    async run() {
      const disk = await probe.disk();
      if (disk.kind !== "ok") return unseen(disk, "free disk space");
      const free = `${gib(disk.value.freeBytes)} of ${gib(disk.value.totalBytes)} GiB are free on the disk of ${disk.value.path}`;
      if (disk.value.freeBytes < DISK_FULL_BYTES) return bad(
        `the disk is full: ${free}`,
        "free some space; until then records are kept in memory and content is not downloaded",
      );
      if (disk.value.freeBytes < keepFreeBytes) return warning(free, "free some space, or lower disk.keepFreeBytes");
      return good(free);
    },
  };
}

export function clockCheck(clock: ClockControl): DiagnosticCheck {
  return {
    name: "clock",
    async run() {
      const quality = await clock.quality();
      const zone = await clock.timeZone();
      const where = zone.kind === "ok" ? ` (${zone.value})` : "";
      if (quality === "synced") return good(`set from the network${where}`);
      if (quality === "local") return warning(
        `set, but not confirmed over the network since boot${where}`,
        "check that a time service runs (systemd-timesyncd, chrony) and reaches its server",
      );
      return bad("never set since boot, or set to a time that has passed before: schedules do not run until it is", "give the device a network with a time server, or set the clock by hand");
    },
  };
}

export function networkCheck(network: NetworkControl): DiagnosticCheck {
  return {
    name: "network",
    async run() {
      const interfaces = await network.interfaces();
      if (interfaces.kind !== "ok") return unseen(interfaces, "the network");
      const up = interfaces.value.filter((each) => each.up && each.kind !== "other");
      const withAddress = up.filter(({ addresses }) => addresses.length > 0);
      if (up.length === 0) return bad("no network interface is up", "plug in the cable, or set up Wi-Fi");
      if (withAddress.length === 0) return bad(
        `${names(up)} is up but has no address`,
        "check that the network assigns addresses (DHCP), or set one by hand",
      );
      return good(withAddress.map(({ name, addresses }) => `${name}: ${addresses.join(", ")}`).join("; "));
    },
  };
}

export function gatewayCheck(network: NetworkControl): DiagnosticCheck {
  return {
    name: "gateway",
    async run() {
      const gateway = await network.gateway();
      if (gateway.kind === "ok") return good(`the gateway is ${gateway.value}`);
      if (gateway.kind === "unsupported") return unsupported("this platform does not report its gateway");
      return bad("there is no route out of the local network", "check the router, or the gateway in the network settings");
    },
  };
}

export function temperatureCheck(probe: SystemProbe): DiagnosticCheck {
  return {
    name: "temperature",
    async run() {
      const temperature = await probe.temperatureC();
      if (temperature.kind !== "ok") return unseen(temperature, "the temperature");
      const says = `${temperature.value.toFixed(1)} °C`;
      return temperature.value < 80 ? good(says) : warning(
        `${says}: the machine may be throttling`,
        "improve its ventilation, move it out of the sun, or check its fan",
      );
    },
  };
}

/** The answer for a reading without a value: `unsupported`, a warning when it is unknown, a failure when reading failed. */
export function unseen(reading: Exclude<Reading<unknown>, { kind: "ok" }>, what: string): CheckAnswer {
  if (reading.kind === "unsupported") return unsupported(`this machine does not report ${what}`);
  if (reading.kind === "unknown") return warning(`${what} is not known: ${reading.why}`, "check again later");
  return bad(`${what} could not be read: ${reading.error.message} (${reading.error.code})`, reading.error.hint ?? "see the log");
}

function names(interfaces: readonly { readonly name: string }[]): string {
  return interfaces.map(({ name }) => name).join(", ");
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
