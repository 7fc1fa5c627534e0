import * as v from "valibot";
import type { Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import { Emitter } from "../../platform/runtime/emitter.ts";
import { utf8 } from "../../platform/runtime/encoding.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import { schemaIssueWords } from "../../platform/runtime/schema-issue.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import type { ChannelListener, LinkChannel } from "../contract/link-channel.ts";
import { AgentMessageSchema, LINK_LINE_BYTES_MAX, type AgentMessage, type HostMessage } from "../contract/link-messages.ts";

export type LinkEvent =
  /** The agent has said hello: messages can be sent from now on. */
  | { readonly kind: "connected"; readonly hello: Extract<AgentMessage, { t: "agent-hello" }> }
  | { readonly kind: "message"; readonly message: AgentMessage }
  | { readonly kind: "disconnected"; readonly why: string };

/** Opens a channel to the agent. Failures are reported by `ended`. */
export type OpenAgentChannel = (listener: ChannelListener) => LinkChannel;

export interface AgentLinkDeps {
  readonly open: OpenAgentChannel;
  readonly hello: () => HostMessage;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Reason to abort `AgentLink.run` with for an orderly stop by somebody: the host says goodbye, so it does not count as lost. */
export const ORDERLY_STOP = "orderly stop";

/** Local connection attempts are cheap: the first come soon, so that the page notices little of an agent's restart. */
const RETRY: RetryPolicy = { firstMs: 200, factor: 1.6, capMs: 5_000, floorMs: 50 };
const HELLO_TIMEOUT_MS = 10_000;

/** The host's end of the link: connects and reconnects, one connection at a time. */
export class AgentLink {
  readonly #deps: AgentLinkDeps;
  readonly #events: Emitter<LinkEvent>;
  #channel: LinkChannel | undefined;
  #greeted = false;
  #lastError = "";

  constructor(deps: AgentLinkDeps) {
    this.#deps = deps;
    this.#events = Emitter.logged(deps.log, "the link");
  }

  onEvent(listener: (event: LinkEvent) => void): () => void {
    return this.#events.on(listener);
  }

  get connected(): boolean {
    return this.#greeted;
  }

  /** Returns false when the message could not be sent; nothing is queued here while the agent is away. */
  send(message: HostMessage): boolean {
    if (!this.#greeted) return false;
    return this.#write(message);
  }

  /** Runs until `signal` aborts; with the reason `ORDERLY_STOP` the host says goodbye. */
  async run(signal: AbortSignal): Promise<void> {
    const { timers, random } = this.#deps;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const greeted = await this.#connectOnce(signal);
      if (greeted) attempt = 0;
      await sleep(timers, "link.reconnect", retryDelayMs(RETRY, attempt, random), signal);
    }
  }

  /** Resolves when the connection has ended: true if the agent had said hello on it. */
  #connectOnce(signal: AbortSignal): Promise<boolean> {
    const { open, hello, timers } = this.#deps;
    return new Promise((resolve) => {
      const silent = timers.after("link.hello", HELLO_TIMEOUT_MS, () => channel.end("the agent said no hello"));
      const onAbort = (): void => {
        if (signal.reason === ORDERLY_STOP) this.send({ t: "host-goodbye" });
        channel.end("the host stops");
      };
      const channel = open({
        opened: () => void this.#write(hello()),
        line: (line) => {
          this.#take(line);
          if (this.#greeted) silent.cancel();
        },
        ended: (why) => {
          silent.cancel();
          signal.removeEventListener("abort", onAbort);
          const greeted = this.#greeted;
          this.#greeted = false;
          this.#channel = undefined;
          this.#sayClosed(greeted, why);
          resolve(greeted);
        },
      });
      this.#channel = channel;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #sayClosed(greeted: boolean, why: string): void {
    if (greeted || why !== this.#lastError) this.#deps.log.info({ why }, "no link to the agent");
    this.#lastError = why;
    if (greeted) this.#events.emit({ kind: "disconnected", why });
  }

  #take(line: string): void {
    const parsed = v.safeParse(AgentMessageSchema, parseJson(line));
    if (!parsed.success) {
      this.#deps.log.warn({ bytes: line.length, issue: schemaIssueWords(parsed.issues[0]).message }, "the agent said something unknown");
      return;
    }
    const message = parsed.output;
    if (message.t === "agent-hello") {
      this.#greeted = true;
      this.#lastError = "";
      this.#deps.log.info({}, "linked to the agent");
      this.#events.emit({ kind: "connected", hello: message });
    } else if (this.#greeted) this.#events.emit({ kind: "message", message });
  }

  #write(message: HostMessage): boolean {
    const line = JSON.stringify(message);
    const bytes = utf8(line).length;
    if (bytes > LINK_LINE_BYTES_MAX) {
      this.#deps.log.error({ message: message.t, bytes }, "a message is too long for the link");
      return false;
    }
    return this.#channel?.send(line) ?? false;
  }
}
