import { readFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { homedir, hostname } from "node:os";
import { join } from "node:path";

/** A top-level window of the X server. */
export interface X11Window {
  readonly id: number;
  readonly name: string;
  /** Its process, if it has set `_NET_WM_PID`. */
  readonly pid: number | undefined;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Viewable, and not input-only. */
  readonly mapped: boolean;
  /** A menu or tooltip, which no window manager manages (`override_redirect`). */
  readonly popup: boolean;
}

export interface X11Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const CONNECT_TIMEOUT_MS = 3_000;
const OP = { attributes: 3, configure: 12, geometry: 14, tree: 15, atom: 16, property: 20, send: 25, focus: 43 } as const;
const CLIENT_MESSAGE = 33;

/**
 * The part of the X11 protocol, version 11, needed to list the windows, to size ours where there is no window manager, and
 * to ask a window to close. Little-endian; replies are matched by sequence number.
 */
export class X11Connection {
  readonly #socket: Socket;
  readonly #waiting: { readonly sequence: number; readonly take: (reply: Buffer | undefined) => void }[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  readonly #atoms = new Map<string, number>();
  #sequence = 0;
  #root = 0;
  #ids = 0;
  #onSetUp: ((error?: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.#onSetUp?.(error));
    socket.on("close", () => {
      this.#onSetUp?.(new Error("the X server closed the connection"));
      for (const { take } of this.#waiting.splice(0)) take(undefined);
    });
  }

  /** Connects to the local display that `env` names. Rejects when there is none or it refuses. */
  static async open(env: NodeJS.ProcessEnv): Promise<X11Connection> {
    const number = /^(?:unix)?:(\d+)(?:\.\d+)?$/.exec(env["DISPLAY"] ?? "")?.[1];
    if (number === undefined) throw new Error(`DISPLAY=${env["DISPLAY"] ?? ""} is not a display of this machine`);
    const cookie = await findCookie(env, number);
    const connection = new X11Connection(createConnection(`/tmp/.X11-unix/X${number}`));
    await connection.#setUp(cookie);
    return connection;
  }

  /** A new resource id of this connection. */
  newId(): number {
    return (this.#ids += 1);
  }

  get root(): number {
    return this.#root;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Size of the whole screen, which changes with the mode. */
  async rootSize(): Promise<{ readonly width: number; readonly height: number } | undefined> {
    return this.#geometry(this.#root);
  }

  /** Top-level windows, lowest first, without those that close meanwhile. Rejects when the server is gone. */
  async windows(): Promise<readonly X11Window[]> {
    const tree = await this.ask(OP.tree, 0, word(this.#root));
    if (tree === undefined) throw new Error("the X server does not list its windows");
    const ids = Array.from({ length: tree.readUInt16LE(16) }, (_, at) => tree.readUInt32LE(32 + 4 * at));
    const [nameAtom, plainName] = [await this.#atom("_NET_WM_NAME"), await this.#atom("WM_NAME")];
    const windows = await Promise.all(ids.map(async (id): Promise<X11Window | undefined> => {
      const [geometry, attributes, pid, name, plain] = await Promise.all([
        this.#geometry(id), this.ask(OP.attributes, 0, word(id)), this.#pidOf(id), this.#property(id, nameAtom), this.#property(id, plainName),
      ]);
      if (geometry === undefined || attributes === undefined) return undefined;
      const drawn = attributes.readUInt16LE(12) === 1;
      return {
        id, ...geometry,
        name: (name ?? plain ?? Buffer.alloc(0)).toString("utf8").slice(0, 200),
        pid,
        mapped: drawn && attributes[26] === 2,
        popup: attributes[27] === 1,
      };
    }));
    return windows.filter((window) => window !== undefined);
  }

  /** Whether a window of a process other than `pid` has the keyboard focus. False when no window has it. */
  async keyboardIsElsewhere(pid: number): Promise<boolean> {
    const window = (await this.ask(OP.focus, 0, Buffer.alloc(0)))?.readUInt32LE(8) ?? 0;
    // 0: none; 1: the window under the pointer.
    if (window <= 1 || window === this.#root) return false;
    return (await this.#pidOf(window)) !== pid;
  }

  place(id: number, { left, top, width, height }: X11Rectangle): void {
    const body = Buffer.alloc(24);
    body.writeUInt32LE(id, 0);
    body.writeUInt16LE(1 | 2 | 4 | 8, 4);
    for (const [at, value] of [left, top, width, height].entries()) body.writeInt32LE(value, 8 + 4 * at);
    this.send(OP.configure, 0, body);
  }

  /** Sends `WM_DELETE_WINDOW`, as a window manager's close button does; the program decides what to do. */
  async askToClose(id: number): Promise<void> {
    const body = Buffer.alloc(40);
    body.writeUInt32LE(id, 0);
    body.writeUInt8(CLIENT_MESSAGE, 8);
    body.writeUInt8(32, 9);
    body.writeUInt32LE(id, 12);
    body.writeUInt32LE(await this.#atom("WM_PROTOCOLS"), 16);
    body.writeUInt32LE(await this.#atom("WM_DELETE_WINDOW"), 20);
    this.send(OP.send, 0, body);
  }

  async #geometry(id: number): Promise<X11Rectangle | undefined> {
    const reply = await this.ask(OP.geometry, 0, word(id));
    return reply && { left: reply.readInt16LE(12), top: reply.readInt16LE(14), width: reply.readUInt16LE(16), height: reply.readUInt16LE(18) };
  }

  async #atom(name: string): Promise<number> {
    const atom = this.#atoms.get(name) ?? (await this.ask(OP.atom, 0, text(name)))?.readUInt32LE(8) ?? 0;
    if (atom !== 0) this.#atoms.set(name, atom);
    return atom;
  }

  async #pidOf(id: number): Promise<number | undefined> {
    const pid = await this.#property(id, await this.#atom("_NET_WM_PID"));
    return pid !== undefined && pid.length >= 4 ? pid.readUInt32LE(0) : undefined;
  }

  async #property(id: number, atom: number): Promise<Buffer | undefined> {
    const body = Buffer.alloc(20);
    body.writeUInt32LE(id, 0);
    body.writeUInt32LE(atom, 4);
    body.writeUInt32LE(64, 16);
    const reply = await this.ask(OP.property, 0, body);
    const bytes = reply === undefined ? 0 : reply.readUInt32LE(16) * ((reply[1] ?? 0) / 8);
    return bytes === 0 ? undefined : reply?.subarray(32, 32 + bytes);
  }

  /** Sends a request and resolves with its reply; `undefined` when the server answers with an error (a closed window) or goes away. */
  ask(opcode: number, detail: number, body: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.send(opcode, detail, body);
      if (this.#socket.destroyed) resolve(undefined);
      else this.#waiting.push({ sequence: this.#sequence, take: resolve });
    });
  }

  /** Sends a request that has no reply. The length of `body` is a multiple of four bytes. */
  send(opcode: number, detail: number, body: Buffer): void {
    this.#sequence = (this.#sequence + 1) & 0xff_ff;
    const head = Buffer.alloc(4);
    head[0] = opcode;
    head[1] = detail;
    head.writeUInt16LE(1 + body.length / 4, 2);
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat([head, body]));
  }

  async #setUp(cookie: Buffer): Promise<void> {
    const name = cookie.length === 0 ? "" : "MIT-MAGIC-COOKIE-1";
    const head = Buffer.alloc(12);
    head.write("l");
    head.writeUInt16LE(11, 2);
    head.writeUInt16LE(name.length, 6);
    head.writeUInt16LE(cookie.length, 8);
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#socket.destroy(new Error("the X server does not answer")));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onSetUp = (error) => (error === undefined ? resolve() : reject(error));
        this.#socket.write(Buffer.concat([head, padded(Buffer.from(name)), padded(cookie)]));
      });
    } finally {
      this.#socket.setTimeout(0);
      this.#onSetUp = undefined;
    }
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    if (this.#root === 0 && !this.#readSetUp()) return;
    while (this.#buffer.length >= 32) {
      const kind = this.#buffer[0];
      const length = 32 + (kind === 1 || kind === 35 ? this.#buffer.readUInt32LE(4) * 4 : 0);
      if (this.#buffer.length < length) return;
      const message = this.#buffer.subarray(0, length);
      this.#buffer = this.#buffer.subarray(length);
      if (kind !== 0 && kind !== 1) continue;
      const at = this.#waiting.findIndex(({ sequence }) => sequence === message.readUInt16LE(2));
      if (at >= 0) this.#waiting.splice(at, 1)[0]?.take(kind === 1 ? message : undefined);
    }
  }

  #readSetUp(): boolean {
    if (this.#buffer.length < 8) return false;
    const length = 8 + this.#buffer.readUInt16LE(6) * 4;
    if (this.#buffer.length < length) return false;
    const answer = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    if (answer[0] !== 1) {
      this.#onSetUp?.(new Error(`the X server refuses: ${answer.subarray(8, 8 + (answer[1] ?? 0)).toString()}`));
      return false;
    }
    const vendor = answer.readUInt16LE(24);
    this.#ids = answer.readUInt32LE(12);
    this.#root = answer.readUInt32LE(40 + Math.ceil(vendor / 4) * 4 + (answer[29] ?? 0) * 8);
    this.#onSetUp?.();
    return true;
  }
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A name prefixed with its length, as in `InternAtom` and `QueryExtension`. */
export function text(value: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(value.length);
  return Buffer.concat([head, padded(Buffer.from(value))]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** The display's cookie from the file that Xlib reads too; empty when there is none, and the server may accept us without. */
async function findCookie(env: NodeJS.ProcessEnv, display: string): Promise<Buffer> {
  const path = env["XAUTHORITY"] ?? join(env["HOME"] ?? homedir(), ".Xauthority");
  const file = await readFile(path).catch(() => Buffer.alloc(0));
  const here = hostname();
  for (let at = 0; at + 2 <= file.length; ) {
    const family = file.readUInt16BE(at);
    at += 2;
    const [address, number, name, data] = Array.from({ length: 4 }, () => {
      const length = at + 2 <= file.length ? file.readUInt16BE(at) : 0;
      const part = file.subarray(at + 2, at + 2 + length);
      at += 2 + length;
      return part;
    });
    // 256: local host name; 65535: any address.
    const fits = family === 0xff_ff || (family === 256 && address?.toString() === here);
    if (fits && (number?.length === 0 || number?.toString() === display) && name?.toString() === "MIT-MAGIC-COOKIE-1" && data !== undefined) return data;
  }
  return Buffer.alloc(0);
}
