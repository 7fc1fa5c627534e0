import { closeSync, readSync } from "node:fs";
import { err, ok, type Result } from "../../ports/result.ts";
import type { ChangeSource } from "../change-poll.ts";
import type { Native, NetlinkCalls, SystemError } from "./native.ts";

/** Kernel events of devices, sent to the first multicast group (linux/netlink.h, lib/kobject_uevent.c). */
const NETLINK_KOBJECT_UEVENT = 15;
const KERNEL_GROUP = 1;
/** The kernel limits an event to 2 KiB (UEVENT_BUFFER_SIZE). */
const EVENT_BYTES_MAX = 4_096;
/** Events read in one turn of the event loop; the rest follows in the next. */
const EVENTS_AT_ONCE_MAX = 64;

/** Values of one event: `ACTION`, `DEVPATH`, `SUBSYSTEM` and those of the subsystem. */
export function parseUevent(message: Uint8Array): ReadonlyMap<string, string> {
  // "change@/devices/…" first, then KEY=value, each ended by a zero byte.
  const [, ...pairs] = Buffer.from(message).toString("utf8").split("\0");
  return new Map(pairs.filter((pair) => pair.includes("=")).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/**
 * Changes of one kernel subsystem as the kernel announces them. Needs neither root nor a thread. Events that were lost because
 * too many came at once count as a change, so listeners read everything again.
 */
export class UeventChanges implements ChangeSource {
  readonly #subsystem: string;
  readonly #fd: number;
  readonly #listeners = new Set<() => void>();
  readonly #buffer = new Uint8Array(EVENT_BYTES_MAX);
  #stop: (() => void) | undefined;

  private constructor(subsystem: string, fd: number) {
    this.#subsystem = subsystem;
    this.#fd = fd;
  }

  /** `subsystem`: as in `SUBSYSTEM=drm`. Fails with the kernel's errno where the socket cannot be opened. */
  static open(native: Pick<Native, "poll"> & NetlinkCalls, subsystem: string): Result<UeventChanges, SystemError> {
    const socket = native.netlink(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP);
    if (!socket.ok) return socket;
    const changes = new UeventChanges(subsystem, socket.value);
    const polling = native.poll(socket.value, ["readable"], () => changes.#read());
    if (!polling.ok) {
      closeSync(socket.value);
      return err(polling.error);
    }
    changes.#stop = polling.value;
    return ok(changes);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#stop === undefined) return;
    this.#listeners.clear();
    this.#stop();
    this.#stop = undefined;
    closeSync(this.#fd);
  }

  #read(): void {
    let isChanged = false;
    for (let read = 0; read < EVENTS_AT_ONCE_MAX; read += 1) {
      const said = this.#next();
      if (said === "none") break;
      if (said === "lost" || said.get("SUBSYSTEM") === this.#subsystem) isChanged = true;
    }
    if (isChanged) for (const listener of [...this.#listeners]) listener();
  }

  #next(): ReadonlyMap<string, string> | "none" | "lost" {
    try {
      return parseUevent(this.#buffer.subarray(0, readSync(this.#fd, this.#buffer)));
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === "EAGAIN") return "none";
      if (code === "ENOBUFS") return "lost";
      throw thrown;
    }
  }
}
