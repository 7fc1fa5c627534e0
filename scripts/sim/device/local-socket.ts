import { InProcessLink } from "../../../player-host/contract/in-process-link.ts";
import type { ChannelListener, LinkChannel } from "../../../player-host/contract/link-channel.ts";
import type { Life } from "./life.ts";

/** Longest delay of a line, on an idle machine and on a busy one. */
const LATE_MS_MAX = 20;
const BUSY_MS_MAX = 400;
const BUSY_CHANCE = 0.1;
/** Longest time until a connection is usable. */
const OPENS_MS_MAX = 3_000;

/**
 * The socket between the agent's process and the player host's. Lines arrive later and in order. When a process dies, the
 * other side is notified after the lines sent before.
 */
export class LocalSocket {
  readonly #way = new InProcessLink();
  /** A link without a listener. */
  readonly #closed = new InProcessLink();
  readonly #isClosed: () => boolean;
  #connection: LinkChannel | undefined;

  /** `isClosed`: whether connections are refused at the moment, even with a listener. */
  constructor(isClosed: () => boolean) {
    this.#isClosed = isClosed;
  }

  /** Accepts connections for the agent's process as long as it lives. */
  listen(life: Life, accept: (channel: LinkChannel) => ChannelListener): void {
    const leave = this.#way.listen((channel) => {
      const end = new LateEnd(life, channel);
      return end.reading(accept(end));
    });
    life.atDeath(leave);
  }

  /** Connects the player host's process. One connection at a time. */
  open(life: Life, listener: ChannelListener): LinkChannel {
    const end = new LateEnd(life);
    end.channel = (this.#isClosed() ? this.#closed : this.#way).open(end.reading(listener));
    this.#connection = end.channel;
    return end;
  }

  /** Breaks the connection and notifies both sides. */
  cut(): void {
    this.#connection?.end("the connection was cut");
  }
}

/** One process's end. Delays what arrives, and drops it once the process is dead. */
class LateEnd implements LinkChannel {
  readonly #life: Life;
  channel: LinkChannel | undefined;
  readonly #arrived: (() => void)[] = [];
  #isOver = false;

  constructor(life: Life, channel?: LinkChannel) {
    this.#life = life;
    this.channel = channel;
  }

  /** Returns true even if the other process is gone but this one has not been notified yet, as with a real socket. */
  send(line: string): boolean {
    if (this.#isOver) return false;
    if (this.#life.alive) this.channel?.send(line);
    return true;
  }

  end(why: string): void {
    this.#isOver = true;
    this.#arrived.length = 0;
    this.channel?.end(why);
  }

  reading(listener: ChannelListener): ChannelListener {
    return {
      opened: () => this.#later(this.#life.random.integer(1, OPENS_MS_MAX), () => listener.opened?.()),
      line: (text) => this.#later(this.#latencyMs(), () => listener.line(text)),
      ended: (why) => this.#later(this.#latencyMs(), () => {
        this.#isOver = true;
        listener.ended(why);
      }),
    };
  }

  #latencyMs(): number {
    const { random } = this.#life;
    return random.integer(0, random.chance(BUSY_CHANCE) ? BUSY_MS_MAX : LATE_MS_MAX);
  }

  /** What arrives during the delay is delivered together. */
  #later(delayMs: number, tell: () => void): void {
    if (this.#arrived.push(tell) > 1) return;
    this.#life.after("sim.local-socket", delayMs, () => {
      // A listener that ends the connection here gets nothing more.
      for (let next = this.#arrived.shift(); next !== undefined; next = this.#arrived.shift()) this.#life.run("a listener at the local socket", next);
    });
  }
}
