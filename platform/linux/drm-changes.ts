import type { Timers } from "../ports/clock.ts";
import type { Issue, Result } from "../ports/result.ts";
import { ChangePoll, type ChangeSource } from "./change-poll.ts";
import { drmFingerprint } from "./drm-outputs.ts";
import type { MachineFiles } from "./machine-files.ts";
import { UeventChanges } from "./kernel/uevents.ts";
import type { Native, NetlinkCalls } from "./kernel/native.ts";

const POLL_MS = 2_000;

export interface DrmChanges {
  readonly changes: ChangeSource;
  /** Why the kernel's announcements cannot be heard, so that the outputs are polled. */
  readonly issue?: Issue;
}

/** Hot-plug of outputs as the kernel announces it, or by polling where it cannot be heard. Code: `outputs.polled`. */
export function openDrmChanges(native: Result<Pick<Native, "poll"> & NetlinkCalls>, files: MachineFiles, timers: Timers): DrmChanges {
  const heard = native.ok ? UeventChanges.open(native.value, "drm") : native;
  if (heard.ok) return { changes: heard.value };
  const why = "message" in heard.error ? heard.error.message : heard.error.name;
  return {
    changes: pollDrm(files, timers),
    issue: { code: "outputs.polled", message: `the kernel's announcements of hot-plugged outputs cannot be heard (${why}); outputs are read every ${POLL_MS / 1_000} s`, hint: "allow AF_NETLINK in the agent's unit" },
  };
}

export function pollDrm(files: MachineFiles, timers: Timers): ChangeSource {
  return new ChangePoll(timers, { name: "outputs.poll", everyMs: POLL_MS, fingerprint: () => drmFingerprint(files) });
}
