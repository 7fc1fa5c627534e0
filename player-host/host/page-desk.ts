import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import { canonicalJson, type Json, type JsonObject } from "../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import type { AgentMessage, HostMessage, PageContext } from "../contract/link-messages.ts";
import { NOTE_EVERY, type PageSpool } from "./page-spool.ts";
import type { SpooledMessage } from "./spool-lines.ts";
import type { PageCall } from "./page-calls.ts";
import type { PageGate, PageRefusal } from "./page-gate.ts";

export interface PageDeskDeps {
  readonly gate: PageGate;
  readonly spool: PageSpool;
  /** Sends to the agent; returns false while it is away. */
  readonly send: (message: HostMessage) => boolean;
  /** Sends to the page's side of the API. */
  readonly sendToPage: (text: string) => void;
  /** A new id, unique over all runs of the host. */
  readonly newId: () => string;
  readonly shellName: () => string;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** A page call whose message was sent to the agent but is not stored yet. */
interface Pending {
  readonly message: SpooledMessage;
  readonly callId: number;
  readonly document: number;
  readonly timer: Timer;
}

/** Maximum number of messages pending at the agent; the rest go through the spool. */
const PENDING_MAX = 500;
/** Maximum number of spooled messages in flight to the agent. */
const RESEND_WINDOW = 64;
/**
 * Maximum number of spooled messages that are in flight or removed but not noted as gone: those that a killed host may send
 * again. At the limit the rest wait for the disk. Above `NOTE_EVERY` of the spool, so that a note is always due there.
 */
const RESENT_MAX = NOTE_EVERY + 2 * RESEND_WINDOW;
/** Maximum number of messages that may reach the agent twice. Below `RECENT_KEYS_MAX` of the outbox, which a test asserts. */
export const TWICE_MAX = PENDING_MAX + RESENT_MAX;
const STORED_TIMEOUT_MS = 10_000;
/** Permanent refusals. After any other, a spooled message is sent again later. */
const REFUSED_FOR_GOOD: readonly string[] = ["page.invalid", "outbox.invalid", "outbox.too-large"];
const RESEND_RETRY: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 60_000, floorMs: 1_000 };
/** Maximum answers to refused calls per second; a flooding page would not read more. */
const REFUSALS_ANSWERED_MAX = 20;

/** Serves the page's calls: answers them, forwards messages to the agent, and spools them while the agent is away. */
export class PageDesk {
  readonly #deps: PageDeskDeps;
  readonly #pending = new Map<string, Pending>();
  #context: PageContext | undefined;
  #lastState: JsonObject | undefined;
  #content: string | undefined;
  /** Incremented with every document: an answer for the previous one must not reach the next. */
  #document = 0;
  #refusalsAnswered = 0;
  #refusalWindow: Timer | undefined;
  #resending = new Set<string>();
  /** Set after a temporary refusal by the agent: messages stay in the spool until this fires. */
  #resendPause: Timer | undefined;
  #resendRefusals = 0;
  #watchesGpio = false;

  constructor(deps: PageDeskDeps) {
    this.#deps = deps;
    deps.spool.onNoted(() => this.#resend());
  }

  /**
   * A new document of the content with this id: calls of the old document are forgotten, but not what it emitted. The state
   * reported by other content is cleared; the same content keeps its state until it reports a new one.
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

  /** The link is up: sends what waited, and the page's state again, which the agent may have forgotten. */
  linkUp(): void {
    if (this.#lastState !== undefined) this.#deps.send({ t: "page-state", state: this.#lastState });
    this.#resending = new Set();
    this.#endPause();
    this.reportRefusals();
    this.#resend();
  }

  /** The link is down: pending messages move to the spool, and the page's calls are answered once they are kept. */
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

  /** Passes a message from the cloud to the page. */
  message(message: unknown): void {
    this.#tell({ t: "message", message });
  }

  /** Reports refusals and drops since the last report. */
  reportRefusals(): void {
    for (const [code, count] of this.#deps.gate.takeCounts()) {
      if (!this.#deps.send({ t: "page-refused", code, count })) this.#deps.gate.count(code, count);
    }
  }

  /** Lets the spool retry what a disk error prevented. */
  tidySpool(): void {
    this.#deps.spool.tidy();
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
    // Queued behind spooled messages to keep the order, and never more in flight than the agent remembers.
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

  /** Retries later: the page was told that the message is kept, even if the outbox is full or closing now. */
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

  /** Sends spooled messages, at most `RESEND_WINDOW` at a time; answers from the agent and notes in the spool make room for more. */
  #resend(): void {
    if (this.#resendPause !== undefined) return;
    const { spool } = this.#deps;
    const room = Math.min(RESEND_WINDOW, RESENT_MAX - spool.unnoted);
    for (const message of spool.waiting()) {
      if (this.#resending.size >= room) return;
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
