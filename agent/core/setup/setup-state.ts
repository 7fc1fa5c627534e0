import type { Issue } from "../../../platform/ports/result.ts";
import type { OpenAccessPoint } from "../../../platform/ports/wifi-setup.ts";

/** How a device without a person's help, or with a phone's, gets its first network. Pure. */

export interface SetupPolicy {
  /** After a start: a cable, or a network that the machine knows, has this long to come up. */
  readonly graceMs: number;
  /** The set-up network is open for this long after power-on, or after the last attempt to join. */
  readonly windowMs: number;
  /** It never opens later than this after power-on, however many attempts there were. */
  readonly windowMaxMs: number;
  /** Between attempts with the network of the provisioning file. The set-up network is closed for one. */
  readonly fileRetryMs: number;
  /** A person whose phone asked the portal for something has this long to choose a network before the set-up network may be closed for the file's. */
  readonly guestMs: number;
  /** After the machine could not open the set-up network. */
  readonly reopenMs: number;
}

export const DEFAULT_SETUP_POLICY: SetupPolicy = { graceMs: 20_000, windowMs: 900_000, windowMaxMs: 3_600_000, fileRetryMs: 300_000, guestMs: 300_000, reopenMs: 30_000 };

/** Why the last attempt failed. `ssid` is absent if it was not about Wi-Fi. */
export interface SetupFailure extends Issue {
  readonly ssid?: string;
}

interface Memory {
  /** Until when the set-up network may be open, monotonic. */
  readonly windowEndsMs: number;
  readonly windowEndsMaxMs: number;
  readonly fileNotBeforeMs: number;
  readonly openNotBeforeMs: number;
  readonly failure?: SetupFailure;
}

export type SetupState = Memory &
  (
    | { readonly kind: "idle" }
    /** Settings of the provisioning file or the portal are on trial. */
    | { readonly kind: "joining"; readonly from: "file" | "portal"; readonly ssid?: string }
    | { readonly kind: "opening" }
    /** The set-up network is there and its portal answers. */
    | { readonly kind: "open"; readonly point: OpenAccessPoint }
  );

export interface SetupFacts {
  readonly nowMs: number;
  /** Only a device without an owner is set up by strangers. */
  readonly owned: boolean;
  readonly cable: boolean;
  readonly knownWifi: boolean;
  /** Over something else than the set-up network. */
  readonly connected: boolean;
  /** The provisioning file has network settings that were not used yet. */
  readonly filePending: boolean;
  /** Wi-Fi network of the file. */
  readonly fileSsid?: string;
  /** When a phone last asked the portal for something, monotonic. Absent: none did. */
  readonly guestAtMs?: number;
}

export type SetupEvent =
  | { readonly kind: "looked"; readonly facts: SetupFacts }
  | { readonly kind: "opened"; readonly point: OpenAccessPoint }
  | { readonly kind: "not-opened"; readonly error: Issue; readonly nowMs: number }
  /** A person chose a network in the portal. */
  | { readonly kind: "asked"; readonly ssid: string }
  | { readonly kind: "joined" }
  | { readonly kind: "not-joined"; readonly failure: SetupFailure; readonly nowMs: number };

export type SetupTask = "nothing" | "join-file" | "join-asked" | "open" | "close";

export interface SetupStep {
  readonly state: SetupState;
  readonly task: SetupTask;
}

/** `bootMs`: monotonic time of power-on. A restart of the agent does not open the window again. */
export function initialSetup(bootMs: number, nowMs: number, policy: SetupPolicy): SetupState {
  return { kind: "idle", windowEndsMs: bootMs + policy.windowMs, windowEndsMaxMs: bootMs + policy.windowMaxMs, fileNotBeforeMs: nowMs, openNotBeforeMs: nowMs };
}

/** Whether set-up may still have something to do for this device, so that its network is worth a look. */
export function isWatching(state: SetupState, { nowMs, owned, filePending }: Pick<SetupFacts, "nowMs" | "owned" | "filePending">): boolean {
  return state.kind !== "idle" || filePending || (!owned && nowMs < state.windowEndsMs);
}

export function stepSetup(state: SetupState, event: SetupEvent, policy: SetupPolicy): SetupStep {
  switch (event.kind) {
    case "looked":
      return look(state, event.facts, policy);
    case "opened":
      return state.kind === "opening" ? stay({ ...memoryOf(state), kind: "open", point: event.point }) : stay(state);
    case "not-opened":
      return state.kind === "opening" ? stay({ ...memoryOf(state), kind: "idle", failure: event.error, openNotBeforeMs: event.nowMs + policy.reopenMs }) : stay(state);
    case "asked":
      // At any other time set-up is over, or a choice is being tried already.
      return state.kind === "open" ? { state: { ...withoutFailure(state), kind: "joining", from: "portal", ssid: event.ssid }, task: "join-asked" } : stay(state);
    case "joined":
      return state.kind === "joining" ? stay({ ...withoutFailure(state), kind: "idle" }) : stay(state);
    case "not-joined":
      return state.kind === "joining" ? stay(failed(state, event, policy)) : stay(state);
  }
}

function look(state: SetupState, facts: SetupFacts, policy: SetupPolicy): SetupStep {
  // One radio does one thing at a time, and after a power cut of a whole site the router may only need longer than this device.
  const fileIsDue = facts.filePending && facts.nowMs >= state.fileNotBeforeMs;
  const hasGuest = facts.guestAtMs !== undefined && facts.nowMs < facts.guestAtMs + policy.guestMs;
  if (state.kind === "open" && (!mayBeOpen(state, facts) || (fileIsDue && !hasGuest))) return { state: { ...memoryOf(state), kind: "idle" }, task: "close" };
  if (state.kind !== "idle") return stay(state);
  if (fileIsDue) {
    return { state: { ...memoryOf(state), kind: "joining", from: "file", ...(facts.fileSsid === undefined ? {} : { ssid: facts.fileSsid }) }, task: "join-file" };
  }
  if (mayBeOpen(state, facts) && facts.nowMs >= state.openNotBeforeMs) return { state: { ...memoryOf(state), kind: "opening" }, task: "open" };
  const settled = facts.owned || (facts.connected && !facts.filePending);
  return stay(settled ? { ...withoutFailure(state), kind: "idle" } : state);
}

function mayBeOpen({ windowEndsMs }: Memory, { nowMs, owned, cable, knownWifi, connected }: SetupFacts): boolean {
  return !owned && !cable && !knownWifi && !connected && nowMs < windowEndsMs;
}

function failed(state: SetupState & { readonly kind: "joining" }, { failure, nowMs }: SetupEvent & { readonly kind: "not-joined" }, policy: SetupPolicy): SetupState {
  return {
    ...memoryOf(state),
    kind: "idle",
    failure,
    // Somebody is there and trying, or the file is wrong and somebody should come.
    windowEndsMs: Math.min(state.windowEndsMaxMs, Math.max(state.windowEndsMs, state.from === "portal" ? nowMs + policy.windowMs : 0)),
    ...(state.from === "file" && { fileNotBeforeMs: nowMs + policy.fileRetryMs }),
  };
}

function stay(state: SetupState): SetupStep {
  return { state, task: "nothing" };
}

function memoryOf({ windowEndsMs, windowEndsMaxMs, fileNotBeforeMs, openNotBeforeMs, failure }: SetupState): Memory {
  return { windowEndsMs, windowEndsMaxMs, fileNotBeforeMs, openNotBeforeMs, ...(failure === undefined ? {} : { failure }) };
}

function withoutFailure(state: SetupState): Memory {
  const { failure: _over, ...memory } = memoryOf(state);
  return memory;
}
