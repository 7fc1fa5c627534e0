#!/usr/bin/env node
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "../../platform/linux/command-runner.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { ok, type Result } from "../../platform/ports/result.ts";
import { createJsonLog } from "../../platform/node/json-log.ts";
import { linuxSlotMachine } from "./linux-slot-machine.ts";
import { localSlotAgent } from "./local-slot-agent.ts";
import { judgeSlot } from "./slot-judge.ts";

/**
 * The judge of an A/B image's slots (`vitrine-slot.service`): confirms or refuses a slot that the firmware tries. Root, because it changes
 * what boots. Exit codes: 0 nothing is left to do, 1 it is to be started again. Composition root.
 */
const { values } = parseArgs({
  options: {
    bootfs: { type: "string", default: "/bootfs" },
    "device-tree": { type: "string", default: "/proc/device-tree" },
    "boot-id": { type: "string", default: "/proc/sys/kernel/random/boot_id" },
    systemctl: { type: "string", default: "systemctl" },
    sockets: { type: "string", default: "/run/vitrine" },
    "deadline-ms": { type: "string", default: "600000" },
    "hold-ms": { type: "string", default: "60000" },
    "look-ms": { type: "string", default: "2000" },
  },
});

const REBOOT_MS = 30_000;
/** As behind the agent's own reboots; it stays armed where the reboot is refused, because only a reset leaves a bad slot then. */
const RESET_UNIT = "vitrine-reset@180.service";
async function reboot(): Promise<Result<void>> {
  const armed = await runCommand(values.systemctl, ["start", RESET_UNIT], REBOOT_MS);
  if (!armed.ok) log.warn({ ...armed.error }, "no forced reset stands behind the reboot");
  const asked = await runCommand(values.systemctl, ["reboot"], REBOOT_MS);
  return asked.ok ? ok(undefined) : asked;
}

const { log } = createJsonLog([process.stderr], "info", systemClock);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
const done = await judgeSlot(
  {
    machine: linuxSlotMachine({ bootfs: values.bootfs, deviceTree: values["device-tree"], bootIdFile: values["boot-id"] }, reboot),
    agent: localSlotAgent(join(values.sockets, "agent.sock")),
    clock: systemClock,
    timers: new SystemTimers(),
    log,
    deadlineMs: Number(values["deadline-ms"]),
    holdMs: Number(values["hold-ms"]),
    lookMs: Number(values["look-ms"]),
  },
  stop.signal,
);
if (!done.ok) {
  log.error({ ...done.error }, "the slot could not be judged; the firmware goes back at the next reset");
  process.exitCode = 1;
}
