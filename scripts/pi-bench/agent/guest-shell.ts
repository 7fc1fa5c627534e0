import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface Ran {
  readonly status: number;
  /** Standard output and standard error. */
  readonly output: string;
}

interface Connection {
  readonly bootId: string;
  readonly socket: Socket;
  /** Takes the answer to the script that runs; `undefined` when the connection is gone. */
  onAnswer?: (ran: Ran | undefined) => void;
}

/** Runs scripts on an emulated machine, which connects to here at each boot (`guest/player/shell.sh`). One script at a time. */
export class GuestShell {
  readonly #server: Server;
  #connection: Connection | undefined;
  #onBoot: (() => void) | undefined;

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(): Promise<GuestShell> {
    const shell = new GuestShell();
    shell.#server.listen(0, "127.0.0.1");
    await once(shell.#server, "listening");
    return shell;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Waits for a boot that has connected and whose id is not `before`; `undefined` when the time is over. */
  async booted(before: string | undefined, limitMs: number): Promise<string | undefined> {
    const untilMs = performance.now() + limitMs;
    while (this.#connection === undefined || this.#connection.bootId === before) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#onBoot = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#connection.bootId;
  }

  /** Runs a Bash script as root. Throws when the machine is gone or does not answer in time. */
  async run(script: string, limitMs = 60_000): Promise<Ran> {
    await this.booted(undefined, limitMs);
    const connection = this.#connection;
    if (connection === undefined) throw new Error(`the emulated machine is not connected; not run: ${script}`);
    const answer = new Promise<Ran | undefined>((resolve) => (connection.onAnswer = resolve));
    connection.socket.write(`${Buffer.from(script).toString("base64")}\n`);
    const timer = setTimeout(() => connection.socket.destroy(), limitMs);
    const ran = await answer;
    clearTimeout(timer);
    if (ran === undefined) throw new Error(`the emulated machine gave no answer to: ${script}`);
    return ran;
  }

  close(): void {
    this.#connection?.socket.destroy();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    // A machine whose power is cut resets its connections.
    socket.on("error", () => socket.destroy());
    let connection: Connection | undefined;
    createInterface(socket).on("line", (line) => {
      if (connection === undefined) {
        connection = this.#connection = { bootId: line, socket };
        this.#onBoot?.();
        return;
      }
      const [status = "", output = ""] = line.split(" ");
      connection.onAnswer?.({ status: Number(status), output: Buffer.from(output, "base64").toString("utf8").trimEnd() });
    });
    socket.on("close", () => {
      if (this.#connection === connection) this.#connection = undefined;
      // The machine may have connected again already: the script that was cut off belongs to this connection.
      connection?.onAnswer?.(undefined);
    });
  }
}
