import type { OutputPower } from "../../ports/compositor.ts";
import type { OutputMode } from "../../ports/outputs.ts";
import type { WaylandGlobal, WaylandSession } from "./wayland-session.ts";
import type { ArgumentReader } from "./wayland-wire.ts";
import { HEAD_EVENT, MANAGER, MODE_EVENT, OUTPUT, POWER, POWER_MANAGER } from "./wlr-protocol.ts";

/** What one source says of an output. Fields are changed by the compositor's events. */
export interface WlrHead {
  /** Id of the object. */
  readonly id: number;
  name: string;
  enabled: boolean;
  /** Number of the enum `wl_output.transform`. */
  transform: number;
  /** By the object that stands for the mode. */
  readonly modes: Map<number, OutputMode>;
  hasPreferredMode: boolean;
  currentMode: OutputMode | undefined;
  make: string;
  model: string;
  serial: string;
}

/** The power control of one output. Without `state`, the compositor has refused it. */
export interface WlrPower {
  readonly id: number;
  state: OutputPower | undefined;
}

/** The compositor's outputs at one moment. */
export interface WlrSnapshot {
  readonly heads: readonly WlrHead[];
  /** The object that changes heads and the state's number; absent in compositors without output management. */
  readonly manager?: { readonly id: number; readonly serial: number };
  /** By name, for outputs that are enabled; absent in compositors without output power. */
  readonly power?: ReadonlyMap<string, WlrPower>;
}

/** Asks for all outputs. */
export async function readSnapshot(session: WaylandSession): Promise<WlrSnapshot> {
  const enabled = session.globals.filter((each) => each.interface === OUTPUT.interface).map((each) => bindOutput(session, each));
  const managed = bindManager(session);
  const powerManager = session.globals.find((each) => each.interface === POWER_MANAGER.interface);
  const powerManagerId = powerManager && session.bind(powerManager, POWER_MANAGER.version);
  await session.roundtrip();
  const manager = managed === undefined ? undefined : { id: managed.id, serial: managed.serial };
  for (const head of managed?.heads ?? []) keepEnabled(head, enabled.find(({ name }) => name === head.name));
  const heads = managed?.heads ?? enabled;
  // Outputs without a name (before version 4) cannot be told apart.
  if (powerManagerId === undefined || enabled.some(({ name }) => name === "")) return { heads, ...(manager && { manager }) };
  const power = new Map(enabled.map(({ id, name }) => [name, bindPower(session, powerManagerId, id)]));
  await session.roundtrip();
  return { heads, power, ...(manager && { manager }) };
}

/**
 * labwc 0.8.3 calls an output that is off disabled as soon as another one is switched on, and describes it no further. It is still in the layout
 * (`wl_output` is there) and can be switched on.
 */
function keepEnabled(head: WlrHead, output: WlrHead | undefined): void {
  if (head.enabled || output === undefined) return;
  const { transform, currentMode } = output;
  Object.assign(head, { enabled: true, transform, currentMode: [...head.modes.values()].find((mode) => isSameMode(mode, currentMode)) ?? currentMode });
}

function isSameMode(a: OutputMode, b: OutputMode | undefined): boolean {
  return a.width === b?.width && a.height === b.height && a.refreshHz === b.refreshHz;
}

function newHead(id: number): WlrHead {
  return { id, name: "", enabled: false, transform: 0, modes: new Map(), hasPreferredMode: false, currentMode: undefined, make: "", model: "", serial: "" };
}

/** The core protocol's description, which every compositor has. */
function bindOutput(session: WaylandSession, global: WaylandGlobal): WlrHead {
  const id = session.bind(global, OUTPUT.version, (opcode, args) => {
    switch (opcode) {
      case OUTPUT.event.geometry:
        // Position, physical size and subpixel layout come first.
        for (let skipped = 0; skipped < 5; skipped += 1) args.int();
        [head.make, head.model, head.transform] = [args.string(), args.string(), args.int()];
        break;
      case OUTPUT.event.mode: {
        const flags = args.uint();
        const mode = { width: args.int(), height: args.int(), refreshHz: args.int() / 1_000 };
        if ((flags & OUTPUT.currentMode) !== 0) head.currentMode = mode;
        break;
      }
      case OUTPUT.event.name:
        head.name = args.string();
        break;
    }
  });
  const head = newHead(id);
  head.enabled = true;
  return head;
}

interface ManagedHeads {
  readonly id: number;
  serial: number;
  readonly heads: WlrHead[];
}

function bindManager(session: WaylandSession): ManagedHeads | undefined {
  const global = session.globals.find((each) => each.interface === MANAGER.interface);
  if (global === undefined) return undefined;
  const heads: WlrHead[] = [];
  const id = session.bind(global, MANAGER.version, (opcode, args) => {
    if (opcode === MANAGER.event.done) managed.serial = args.uint();
    if (opcode !== MANAGER.event.head) return;
    const head = newHead(args.uint());
    heads.push(head);
    session.adopt(head.id, (event, values) => describeHead(session, head, event, values));
  });
  const managed: ManagedHeads = { id, serial: 0, heads };
  return managed;
}

function describeHead(session: WaylandSession, head: WlrHead, event: number, args: ArgumentReader): void {
  switch (event) {
    case HEAD_EVENT.name:
      head.name = args.string();
      break;
    case HEAD_EVENT.mode: {
      const id = args.uint();
      const mode = { width: 0, height: 0, refreshHz: 0 };
      head.modes.set(id, mode);
      session.adopt(id, (opcode, values) => {
        if (opcode === MODE_EVENT.size) Object.assign(mode, { width: values.int(), height: values.int() });
        if (opcode === MODE_EVENT.refresh) mode.refreshHz = values.int() / 1_000;
        if (opcode === MODE_EVENT.preferred) head.hasPreferredMode = true;
      });
      break;
    }
    case HEAD_EVENT.enabled:
      head.enabled = args.int() !== 0;
      break;
    case HEAD_EVENT.currentMode:
      head.currentMode = head.modes.get(args.uint());
      break;
    case HEAD_EVENT.transform:
      head.transform = args.int();
      break;
    case HEAD_EVENT.make:
      head.make = args.string();
      break;
    case HEAD_EVENT.model:
      head.model = args.string();
      break;
    case HEAD_EVENT.serial:
      head.serial = args.string();
      break;
  }
}

function bindPower(session: WaylandSession, manager: number, output: number): WlrPower {
  const id = session.object((opcode, args) => {
    if (opcode === POWER.event.mode) power.state = args.uint() === POWER.on ? "on" : "off";
    if (opcode === POWER.event.failed) power.state = undefined;
  });
  const power: WlrPower = { id, state: undefined };
  session.request(manager, POWER_MANAGER.request.getOutputPower, id, output);
  return power;
}
