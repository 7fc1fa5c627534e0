import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import { canonicalJson, type Json, type JsonObject } from "../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import type { AgentMessage, HostMessage, PageContext } from "../contract/link-messages.ts";
import type { PageSpool, SpooledMessage } from "./page-spool.ts";
import type { PageCall } from "./page-calls.ts";
import type { PageGate, PageRefusal } from "./page-gate.ts";

export interface PageDeskDeps {
  readonly gate: PageGate;
  readonly spool: PageSpool;
  /** To the agent; false while it is away. */
  readonly send: (message: HostMessage) => boolean;
  /** To the page's side of the API. */
  readonly sendToPage: (text: string) => void;
  /** A new id, unique over all runs of the host. */
  readonly newId: () => string;
  readonly shellName: () => string;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** A page call whose message is with the agent and not stored yet. */
interface Pending {
  readonly message: SpooledMessage;
  readonly callId: number;
  readonly document: number;
  readonly timer: Timer;
}

/**
 * More than this with the agent at once, and the rest goes through the spool. With the window below it bounds what may
 * come to the agent a second time: `RECENT_KEYS_MAX` in agent/core/outbox/outbox-store.ts is more.
 */
const PENDING_MAX = 500;
/** Spooled messages sent ahead of the agent's answers. */
const RESEND_WINDOW = 64;
const STORED_TIMEOUT_MS = 10_000;
/** Refusals that will be the same for ever. After any other, what the page was promised is offered again. */
const REFUSED_FOR_GOOD: readonly string[] = ["page.invalid", "outbox.invalid", "outbox.too-large"];
const RESEND_RETRY: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 60_000, floorMs: 1_000 };
/** Answers to refused calls a second; a page in a flood reads none of them. */
const REFUSALS_ANSWERED_MAX = 20;

/** Where the page's calls are served: answers, the way to the agent, and the spool while the agent is away. */
export class PageDesk {
  readonly #deps: PageDeskDeps;
  readonly #pending = new Map<string, Pending>();
  #context: PageContext | undefined;
  #lastState: JsonObject | undefined;
  #content: string | undefined;
  /** Rises with every document: an answer for the one before must not reach the next. */
  #document = 0;
  #refusalsAnswered = 0;
  #refusalWindow: Timer | undefined;
  #resending = new Set<string>();
  /** The agent has no room now: what it refused stays in the spool until then. */
  #resendPause: Timer | undefined;
  #resendRefusals = 0;
  #watchesGpio = false;

  constructor(deps: PageDeskDeps) {
    this.#deps = deps;
  }

  /**
   * A new document of the content with this id: calls of the old one are forgotten, what it emitted is not. What other
   * content said of itself no longer holds; the same content, loaded again, will say it anew.
   */
  pageBegun(content: string | undefined): void {
    this.#document += 1;
    this.#watchesGpio = false;
    if (content !== this.#content) this.contentGone();
    this.#content = content;
  }

  /** No content is on. */
  contentGone(): void {
    this.#content = undefined;
    if (this.#lastState === undefined) return;
    this.#lastState = undefined;
    this.#deps.send({ t: "page-state" });
  }

  setContext(context: PageContext): void {
    const before = this.#context;
    this.#context = context;
    if (before !== undefined && canonicalJson(before.config as Json) !== canonicalJson(context.config as Json)) {
      this.#tell({ t: "config", config: context.config });
    }
  }

  takeCall(text: string): void {
    const verdict = this.#deps.gate.take(text);
    if (verdict.kind === "refused") {
      if (verdict.id !== undefined) this.#answerRefusal(verdict.id, verdict.code, verdict.message);
      return;
    }
    this.#serve(verdict.call);
  }

  /** The link is up: what waited goes out, and the state the agent may have forgotten. */
  linkUp(): void {
    if (this.#lastState !== undefined) this.#deps.send({ t: "page-state", state: this.#lastState });
    this.#resending = new Set();
    this.#endPause();
    this.reportRefusals();
    this.#resend();
  }

  /** The link is down: what was under way is kept on disk, and the page is told that we hold it. */
  linkDown(): void {
    for (const id of [...this.#pending.keys()]) this.#toSpool(id);
    this.#resending = new Set();
  }

  takeAgentMessage(message: AgentMessage): void {
    if (message.t === "page-stored") this.#stored(message.id, message.code);
    else if (message.t === "gpio" && this.#watchesGpio && this.#deps.gate.granted("gpio")) {
      this.#tell({ t: "gpio", line: message.line, level: message.level });
    }
  }

  /** A message of the cloud for the page. */
  message(message: unknown): void {
    this.#tell({ t: "message", message });
  }

  /** Reports what was refused and dropped since the last time. */
  reportRefusals(): void {
    for (const [code, count] of this.#deps.gate.takeCounts()) {
      if (!this.#deps.send({ t: "page-refused", code, count })) this.#deps.gate.count(code, count);
    }
  }

  stop(): void {
    this.#refusalWindow?.cancel();
    this.#endPause();
    for (const { timer } of this.#pending.values()) timer.cancel();
  }

  #serve(call: PageCall): void {
    switch (call.do) {
      case "device":
        if (this.#context === undefined) this.#refuse(call.id, "page.unavailable", "the agent has not been there yet");
        else this.#answer(call.id, { ...this.#context.device, shell: this.#deps.shellName(), grants: this.#deps.gate.grants });
        return;
      case "config":
        this.#answer(call.id, this.#context?.config ?? {});
        return;
      case "watch-gpio":
        this.#watchesGpio = true;
        this.#answer(call.id, null);
        return;
      case "report-state":
        this.#lastState = call.state as JsonObject;
        this.#deps.send({ t: "page-state", state: call.state });
        this.#answer(call.id, null);
        return;
      case "emit":
        this.#hand(call.id, { t: "page-event", id: this.#deps.newId(), name: call.name, ...(call.data === undefined ? {} : { data: call.data }) });
        return;
      case "report-play":
        this.#hand(call.id, { t: "page-play", id: this.#deps.newId(), play: call.play });
        return;
      case "error":
        this.#deps.log.warn({ pageError: call.message.slice(0, 500) }, "the page has an error");
        return;
      case "refused":
        return;
    }
  }

  #hand(callId: number, message: SpooledMessage): void {
    const { timers } = this.#deps;
    const timer = timers.after("page.stored", STORED_TIMEOUT_MS, () => this.#toSpool(message.id));
    this.#pending.set(message.id, { message, callId, document: this.#document, timer });
    // Behind what is kept already: in the order it came, and never more under way than the agent remembers.
    const behind = this.#deps.spool.size > 0 || this.#pending.size > PENDING_MAX;
    if (behind || !this.#deps.send(message)) this.#toSpool(message.id);
  }

  #toSpool(id: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.timer.cancel();
    const { spool, gate, log } = this.#deps;
    spool
      .append(pending.message)
      .then((kept) => {
        if (kept.ok) {
          this.#answerFor(pending.document, pending.callId, null);
          this.#resend();
          return;
        }
        log.warn({ code: kept.error.code, error: kept.error.message }, "what the page emitted could not be kept");
        gate.count("page.unavailable");
        if (pending.document === this.#document) this.#refuse(pending.callId, "page.unavailable", kept.error.message, false);
      })
      .catch((thrown: unknown) => log.error({ error: String(thrown) }, "the spool threw"));
  }

  #stored(id: string, code: string | undefined): void {
    const pending = this.#pending.get(id);
    this.#resending.delete(id);
    if (code !== undefined && this.#deps.spool.has(id) && !REFUSED_FOR_GOOD.includes(code)) return this.#offerLater();
    this.#resendRefusals = 0;
    this.#deps.spool.remove(id);
    if (pending !== undefined) {
      this.#pending.delete(id);
      pending.timer.cancel();
      if (pending.document === this.#document) {
        if (code === undefined) this.#answer(pending.callId, null);
        else this.#tell({ t: "reply", id: pending.callId, ok: false, code, message: "the agent did not take it" });
      }
    }
    this.#resend();
  }

  /** The page was told that this is kept. A full or closing outbox is no reason to break that word. */
  #offerLater(): void {
    const { timers, random } = this.#deps;
    if (this.#resendPause !== undefined) return;
    this.#resendPause = timers.after("page.resend", retryDelayMs(RESEND_RETRY, this.#resendRefusals, random), () => {
      this.#resendPause = undefined;
      this.#resend();
    });
    this.#resendRefusals += 1;
  }

  #endPause(): void {
    this.#resendPause?.cancel();
    this.#resendPause = undefined;
    this.#resendRefusals = 0;
  }

  /** Sends spooled messages up to the window; the agent's answers move it on. */
  #resend(): void {
    if (this.#resendPause !== undefined) return;
    for (const message of this.#deps.spool.waiting()) {
      if (this.#resending.size >= RESEND_WINDOW) return;
      if (this.#resending.has(message.id)) continue;
      if (!this.#deps.send(message)) return;
      this.#resending.add(message.id);
    }
  }

  #refuse(callId: number, code: PageRefusal, message: string, counts = true): void {
    if (counts) this.#deps.gate.count(code);
    this.#answerRefusal(callId, code, message);
  }

  #answerRefusal(callId: number, code: string, message: string): void {
    this.#refusalWindow ??= this.#deps.timers.after("page.refusals", 1_000, () => {
      this.#refusalWindow = undefined;
      this.#refusalsAnswered = 0;
    });
    if (this.#refusalsAnswered >= REFUSALS_ANSWERED_MAX) return;
    this.#refusalsAnswered += 1;
    this.#tell({ t: "reply", id: callId, ok: false, code, message });
  }

  #answerFor(document: number, callId: number, value: unknown): void {
    if (document === this.#document) this.#answer(callId, value);
  }

  #answer(callId: number, value: unknown): void {
    this.#tell({ t: "reply", id: callId, ok: true, value });
  }

  #tell(message: Record<string, unknown>): void {
    this.#deps.sendToPage(JSON.stringify(message));
  }
}
