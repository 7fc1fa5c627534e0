#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { parseArgs } from "node:util";
import { runCommand } from "../../platform/linux/command-runner.ts";
import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { createJsonLog } from "../../platform/node/json-log.ts";
import { nodeFolderFs } from "./node-folder-fs.ts";
import { openFolders } from "./release-folders.ts";
import { readReleaseKeys } from "./release-keys.ts";
import { systemdServices } from "./systemd-services.ts";
import { unpackingWith } from "./unpack-release.ts";
import { Updater } from "./updater.ts";
import { UpdaterServer, type Place } from "./updater-server.ts";

/**
 * The updater: the only program of ours with the rights to replace it. systemd starts it when the agent connects to its socket and while a
 * release is on trial; it ends by itself. Composition root.
 */
const { values } = parseArgs({
  options: {
    releases: { type: "string", default: "/var/lib/vitrine-releases" },
    packaged: { type: "string", default: "/usr/lib/vitrine" },
    keys: { type: "string", multiple: true, default: ["/usr/lib/vitrine/release-keys", "/etc/vitrine/release-keys"] },
    "in-use": { type: "string", default: "/run/vitrine-player/release" },
    systemctl: { type: "string", default: "systemctl" },
    journalctl: { type: "string", default: "journalctl" },
    "boot-id": { type: "string", default: "/proc/sys/kernel/random/boot_id" },
    socket: { type: "string" },
    "keep-free-bytes": { type: "string" },
    "look-ms": { type: "string", default: "2000" },
    "idle-ms": { type: "string", default: "30000" },
    /** Ends this process as a power cut would, at the nth step. For tests of exactly that. */
    "die-at-step": { type: "string" },
  },
});

const { log } = createJsonLog([process.stderr], "info", systemClock);
const opened = await openFolders(nodeFolderFs, values.releases, values.packaged, values["in-use"]);
const info = opened.ok ? await opened.value.info(values.packaged) : opened;
if (!opened.ok || !info.ok) {
  log.error({ ...(opened.ok ? info : opened) }, "the updater cannot start");
  process.exit(1);
}
const bootId = readFileSync(values["boot-id"], "utf8").trim();
let stepsLeft = Number(values["die-at-step"] ?? Infinity);
const updater = new Updater({
  folders: opened.value,
  packaged: info.value,
  keys: () => readReleaseKeys(values.keys),
  crypto: nodeCrypto,
  services: systemdServices(runCommand, values),
  keysAre: values.keys.join(" and "),
  unpacking: unpackingWith(values["keep-free-bytes"] === undefined ? {} : { keepFreeBytes: Number(values["keep-free-bytes"]) }),
  machine: { bootId: () => bootId, upMs: () => Math.round(uptime() * 1000) },
  log,
  onStep: (step) => {
    log.info({ step }, "done");
    stepsLeft -= 1;
    if (stepsLeft <= 0) process.kill(process.pid, "SIGKILL");
  },
});
const place: Place | undefined = values.socket !== undefined ? { path: values.socket } : process.env["LISTEN_FDS"] === "1" ? { fd: 3 } : undefined;
if (place === undefined) {
  log.error({}, "no socket: systemd passes one (vitrine-updater.socket), or --socket names one");
  process.exit(78);
}
await new UpdaterServer({ updater, timers: new SystemTimers(), log, lookMs: Number(values["look-ms"]), idleMs: Number(values["idle-ms"]) }).run(place);
