import { connect, type Socket } from "node:net";
import type { Timers } from "../../ports/clock.ts";
import type { Issue, Result } from "../../ports/result.ts";
import { err, messageOf } from "../../ports/result.ts";
import { ArgumentReader, encodeMessage, splitMessages, type WaylandArgument } from "./wayland-wire.ts";

/** Longest time for one session: connecting, asking and changing. A compositor answers within some milliseconds. */
export const SESSION_DEADLINE_MS = 3_000;

/** A compositor describes itself in some kilobytes; more is not a compositor. */
const RECEIVED_BYTES_MAX = 1_048_576;

const DISPLAY = 1;
const DISPLAY_REQUEST = { sync: 0, getRegistry: 1 } as const;
const DISPLAY_EVENT = { error: 0 } as const;
const REGISTRY_REQUEST = { bind: 0 } as const;
const REGISTRY_EVENT = { global: 0 } as const;

/** An interface that the compositor offers. */
export interface WaylandGlobal {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

export type WaylandHandler = (opcode: number, args: ArgumentReader) => void;

/**
 * One connection to a compositor. Requests are only queued; what comes of them shows at the next `roundtrip`. A session that
 * fails leaves its roundtrips open: `withWayland` has then returned already.
 */
export class WaylandSession {
  readonly #socket: Socket;
  readonly #handlers = new Map<number, WaylandHandler>();
  #lastId = DISPLAY;
  #globals: readonly WaylandGlobal[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** What the compositor offers, in its order. */
  get globals(): readonly WaylandGlobal[] {
    return this.#globals;
  }

  async start(): Promise<void> {
    const globals: WaylandGlobal[] = [];
    this.#globals = globals;
    const registry = this.object((opcode, args) => {
      if (opcode === REGISTRY_EVENT.global) globals.push({ name: args.uint(), interface: args.string(), version: args.uint() });
    });
    this.#registry = registry;
    this.request(DISPLAY, DISPLAY_REQUEST.getRegistry, registry);
    await this.roundtrip();
  }

  #registry = 0;

  /** A new object of ours; its id goes into the request that creates it. */
  object(handler: WaylandHandler = () => {}): number {
    this.#lastId += 1;
    this.#handlers.set(this.#lastId, handler);
    return this.#lastId;
  }

  /** Takes over an object that the compositor created. */
  adopt(id: number, handler: WaylandHandler): void {
    this.#handlers.set(id, handler);
  }

  request(object: number, opcode: number, ...args: readonly WaylandArgument[]): void {
    this.#socket.write(encodeMessage(object, opcode, args));
  }

  /** Binds to a global, at the version that both sides know. */
  bind(global: WaylandGlobal, version: number, handler?: WaylandHandler): number {
    const id = this.object(handler);
    this.request(this.#registry, REGISTRY_REQUEST.bind, global.name, global.interface, Math.min(version, global.version), id);
    return id;
  }

  /** Settles when the compositor has carried out all requests so far and we have handled all its events. */
  roundtrip(): Promise<void> {
    return new Promise((resolve) => this.request(DISPLAY, DISPLAY_REQUEST.sync, this.object(() => resolve())));
  }

  /** Passes an event on. Objects nobody listens to are skipped. */
  dispatch(object: number, opcode: number, args: ArgumentReader): void {
    this.#handlers.get(object)?.(opcode, args);
  }
}

/**
 * Runs `work` on a connection of its own to the compositor at `path`, closes it, and returns within the deadline whatever the
 * compositor does. Errors: `compositor.gone`, `compositor.no-access`, `compositor.timed-out`, `compositor.bad-answer`, or those of `work`.
 */
export async function withWayland<T>(path: string, timers: Timers, work: (session: WaylandSession) => Promise<Result<T>>): Promise<Result<T>> {
  const socket = connect({ path });
  const session = new WaylandSession(socket);
  const failure = new Promise<Issue>((resolve) => listen(socket, session, path, resolve));
  let expire = (): void => {};
  const expired = new Promise<Issue>((resolve) => {
    const timer = timers.after("compositor.session", SESSION_DEADLINE_MS, () => resolve({ code: "compositor.timed-out", message: `the compositor at ${path} did not answer within ${SESSION_DEADLINE_MS} ms` }));
    expire = () => timer.cancel();
  });
  try {
    return await Promise.race([session.start().then(() => work(session)), failure.then(err), expired.then(err)]);
  } finally {
    expire();
    socket.destroy();
  }
}

function listen(socket: Socket, session: WaylandSession, path: string, failed: (issue: Issue) => void): void {
  let pending: Uint8Array = new Uint8Array();
  let receivedBytes = 0;
  socket.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    const split = receivedBytes > RECEIVED_BYTES_MAX ? undefined : splitMessages(pending.length === 0 ? chunk : Buffer.concat([pending, chunk]));
    if (split === undefined) return failed({ code: "compositor.bad-answer", message: `what listens at ${path} does not speak Wayland` });
    pending = split.rest;
    try {
      for (const { object, opcode, body } of split.messages) {
        const args = new ArgumentReader(body);
        if (object === DISPLAY && opcode === DISPLAY_EVENT.error) return failed(protocolError(args));
        session.dispatch(object, opcode, args);
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      failed({ code: "compositor.bad-answer", message: `the compositor at ${path} sent a message that is too short: ${messageOf(thrown)}` });
    }
  });
  socket.on("error", (error: NodeJS.ErrnoException) => failed(connectionIssue(path, error)));
  socket.on("close", () => failed({ code: "compositor.gone", message: `the compositor at ${path} ended the connection` }));
}

function protocolError(args: ArgumentReader): Issue {
  const object = args.uint();
  const code = args.uint();
  return { code: "compositor.bad-answer", message: `the compositor refused a request: ${args.string().slice(0, 200)} (object ${object}, error ${code})` };
}

function connectionIssue(path: string, { code = "EIO" }: NodeJS.ErrnoException): Issue {
  if (code === "EACCES" || code === "EPERM") return { code: "compositor.no-access", message: `the compositor's socket ${path} may not be used by this user` };
  return { code: "compositor.gone", message: `no compositor answers at ${path} (${code})` };
}
