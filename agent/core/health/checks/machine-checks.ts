import type { Timers } from "../../../../platform/ports/clock.ts";
import type { ClockControl, NetworkControl, SystemProbe } from "../../../../platform/ports/host.ts";
import type { Reading } from "../../../../platform/ports/reading.ts";
import type { Result } from "../../../../platform/ports/result.ts";
import { TimeoutError, withDeadline } from "../../../../platform/runtime/sleep.ts";
import { bad, good, unsupported, warning, type CheckAnswer, type DiagnosticCheck } from "../diagnostic-check.ts";
import { DISK_FULL_BYTES } from "../health-source.ts";

/** Writes, syncs and removes a small file in the data folder; given by composition. */
export function dataFolderCheck(path: string, tryWrite: () => Promise<Result<void>>): DiagnosticCheck {
  return {
    name: "data folder",
    async run() {
      const written = await tryWrite();
      if (written.ok) return good(`${path} can be written`);
      return bad(
        `${path} cannot be written: ${written.error.message} (${written.error.code})`,
        written.error.hint ?? "check the folder's owner and mode, and whether the disk is full or read-only",
      );
    },
  };
}

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
        `set, and not confirmed over the network since the boot${where}`,
        "check that a time service runs (systemd-timesyncd, chrony) and reaches its server",
      );
      return bad("never set since boot: schedules do not run until it is", "give the device a network with a time server, or set the clock by hand");
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
        `${names(up)} is up and has no address`,
        "check that the network gives out addresses (DHCP), or set one by hand",
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
      if (gateway.kind === "ok") return good(`the way out is ${gateway.value}`);
      if (gateway.kind === "unsupported") return unsupported("this platform does not tell its gateway");
      return bad("there is no way out of the local network", "check the router, or the gateway in the network settings");
    },
  };
}

/** `lookUp` asks the system's own resolver; given by composition. */
export function dnsCheck(
  endpoints: () => readonly string[],
  lookUp: (host: string) => Promise<Result<readonly string[]>>,
  timers: Timers,
): DiagnosticCheck {
  return {
    name: "name of the cloud",
    async run() {
      const hosts = [...new Set(endpoints().map(hostOf).filter((host) => host !== undefined))];
      if (hosts.length === 0) return bad("no cloud is configured", "set cloud.endpoints");
      const failures: string[] = [];
      const found: string[] = [];
      for (const host of hosts.slice(0, 8)) {
        const answer = await lookUpInTime(host, lookUp, timers);
        if (answer.ok) found.push(`${host} is ${answer.value.slice(0, 2).join(", ")}`);
        else failures.push(`${host}: ${answer.error.message}`);
      }
      if (failures.length === 0) return good(found.join("; "));
      const message = `cannot be looked up: ${failures.join("; ")}`;
      return found.length > 0 ? warning(message, "the other endpoints work; check the name in cloud.endpoints") : bad(message, "check the network's DNS server and the name in cloud.endpoints");
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
        `${says}: the machine slows down`,
        "give it air, take it out of the sun, or check its fan",
      );
    },
  };
}

/** What could not be seen: no such thing is `unsupported`, a failure to look is a failure. */
export function unseen(reading: Exclude<Reading<unknown>, { kind: "ok" }>, what: string): CheckAnswer {
  if (reading.kind === "unsupported") return unsupported(`this machine does not tell ${what}`);
  if (reading.kind === "unknown") return warning(`${what} is not known: ${reading.why}`, "look again later");
  return bad(`${what} could not be read: ${reading.error.message} (${reading.error.code})`, reading.error.hint ?? "see the log");
}

async function lookUpInTime(
  host: string,
  lookUp: (host: string) => Promise<Result<readonly string[]>>,
  timers: Timers,
): Promise<Result<readonly string[]>> {
  try {
    return await withDeadline(timers, "check.dns", 4_000, lookUp(host));
  } catch (thrown) {
    if (!(thrown instanceof TimeoutError)) throw thrown;
    return { ok: false, error: { code: "dns.timeout", message: "no answer within 4 s" } };
  }
}

function hostOf(endpoint: string): string | undefined {
  try {
    return new URL(endpoint).hostname;
  } catch {
    // An address that is none has no host; the configuration's own check says so.
    return undefined;
  }
}

function names(interfaces: readonly { readonly name: string }[]): string {
  return interfaces.map(({ name }) => name).join(", ");
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
