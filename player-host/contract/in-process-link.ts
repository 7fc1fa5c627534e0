import { utf8 } from "../../platform/runtime/encoding.ts";
import { tooLong, UNSENT_BYTES_MAX, type ChannelListener, type LinkChannel } from "./link-channel.ts";
import { LINK_LINE_BYTES_MAX } from "./link-messages.ts";

/**
 * The link between an agent and a player host in the same program, as in a panel's web page. Everything is delivered in a later
 * microtask, so that neither end is re-entered while it sends.
 */
export class InProcessLink {
  #accept: ((channel: LinkChannel) => ChannelListener) | undefined;
  readonly #open = new Set<PairEnd>();

  /** Makes the agent accept connections; one agent at a time. Returns a function that stops it and ends the open ones. */
  listen(accept: (channel: LinkChannel) => ChannelListener): () => void {
    this.#accept = accept;
    return () => {
      if (this.#accept === accept) this.#accept = undefined;
      for (const end of this.#open) end.end("the agent stops");
    };
  }

  /** Connects the player host. Without a listening agent, the channel ends at once. */
  open(listener: ChannelListener): LinkChannel {
    const connection = { open: true };
    const ours = new PairEnd(connection, "the agent");
    const theirs = new PairEnd(connection, "the player host");
    ours.join(listener, theirs);
    if (this.#accept === undefined) {
      ours.end("no agent is there");
      return ours;
    }
    const agent = this.#accept(theirs);
    this.#open.add(theirs);
    const ended = (why: string): void => {
      this.#open.delete(theirs);
      agent.ended(why);
    };
    theirs.join({ line: (text) => agent.line(text), ended }, ours);
    later(() => listener.opened?.());
    return ours;
  }
}

class PairEnd implements LinkChannel {
  readonly #connection: { open: boolean };
  readonly #peer: string;
  #listener: ChannelListener | undefined;
  #other: PairEnd | undefined;
  #unsentBytes = 0;
  /** Nothing is delivered here any more. The other end may still be owed what was sent before. */
  #isOver = false;

  constructor(connection: { open: boolean }, peer: string) {
    this.#connection = connection;
    this.#peer = peer;
  }

  join(listener: ChannelListener, other: PairEnd): void {
    this.#listener = listener;
    this.#other = other;
  }

  send(line: string): boolean {
    if (!this.#connection.open) return false;
    if (this.#unsentBytes > UNSENT_BYTES_MAX) {
      this.end(`${this.#peer} does not read`);
      return false;
    }
    const bytes = utf8(line).length;
    this.#unsentBytes += bytes;
    later(() => {
      this.#unsentBytes -= bytes;
      this.#other?.take(line, bytes);
    });
    return true;
  }

  take(line: string, bytes: number): void {
    if (this.#isOver) return;
    if (bytes > LINK_LINE_BYTES_MAX) this.end(tooLong(this.#peer));
    else this.#listener?.line(line);
  }

  end(why: string): void {
    this.#isOver = true;
    if (!this.#connection.open) return;
    this.#connection.open = false;
    later(() => this.#listener?.ended(why));
    later(() => this.#other?.closed());
  }

  closed(): void {
    this.#isOver = true;
    this.#listener?.ended(`${this.#peer} closed the link`);
  }
}

/** Runs `tell` in a microtask, in call order. What it throws becomes an unhandled rejection. */
function later(tell: () => void): void {
  void Promise.resolve().then(tell);
}
