import * as v from "valibot";
import { StageContentSchema, type StageContent } from "../../../player-host/contract/link-messages.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { canonicalJson } from "../../../platform/runtime/json.ts";
import { redactText } from "../../../platform/runtime/redact.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { validate } from "../../protocol/codec.ts";
import { ContentSchema, type Content } from "../../protocol/content.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { ContentProvider } from "./content-port.ts";

/** What is being prepared, and what may be shown meanwhile. */
export type ContentState =
  /** The cloud wants nothing. */
  | { readonly kind: "none" }
  /** `showing` is the last good content, which stays on the screen meanwhile. */
  | { readonly kind: "preparing"; readonly wanted: Content; readonly showing?: StageContent; readonly lastError?: Issue; readonly retryAtMs?: number }
  | { readonly kind: "ready"; readonly wanted: Content; readonly showing: StageContent };

export interface ContentDeps {
  readonly provider: ContentProvider;
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

const RETRY: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 10 * 60_000, floorMs: 1_000 };
const DOCUMENT_KEY = "content.showing";
const KeptSchema = v.object({ wanted: ContentSchema, showing: StageContentSchema });

/**
 * Prepares wanted content, and remembers what was shown last so that a device can start without a network. The last good
 * content stays until the next is complete.
 */
export class ContentService {
  readonly name = "content";
  readonly #deps: ContentDeps;
  readonly #changed: Emitter<ContentState>;
  #state: ContentState = { kind: "none" };
  #wanted: Content | undefined;
  /** The shown content comes from the last run and has not been checked on disk yet. */
  #unproven = false;
  #wake: (() => void) | undefined;

  constructor(deps: ContentDeps) {
    this.#deps = deps;
    this.#changed = Emitter.logged(deps.log, "the content");
  }

  state(): ContentState {
    return this.#state;
  }

  onChange(listener: (state: ContentState) => void): () => void {
    return this.#changed.on(listener);
  }

  /** Content that the stage may show now. */
  showing(): StageContent | undefined {
    return this.#state.kind === "none" ? undefined : this.#state.showing;
  }

  /** Sets the wanted content; `undefined` for none. The same content again changes nothing. */
  want(content: Content | undefined): void {
    if (sameContent(content, this.#wanted)) return;
    this.#wanted = content;
    this.#wake?.();
  }

  /**
   * Restores what was shown before the agent stopped. Call once, before `run`, which checks it: a folder lost meanwhile is
   * downloaded again. An unusable record counts as none.
   */
  async restore(): Promise<void> {
    const kept = await readDocument(this.#deps.documents, DOCUMENT_KEY, this.#deps.log);
    if (kept === undefined) return;
    const checked = validate(KeptSchema, kept, "the content on record", "content.bad-record");
    if (!checked.ok) return this.#deps.log.error({ ...checked.error }, "the record of the last shown content cannot be used");
    const { wanted, showing } = checked.value;
    this.#wanted = wanted;
    this.#unproven = true;
    this.#set({ kind: "ready", wanted, showing });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wanted = this.#wanted;
      const changed = this.#nextChange(signal);
      if (wanted === undefined) await this.#clear();
      else if (this.#unproven || this.#state.kind !== "ready" || !sameContent(wanted, this.#state.wanted)) await this.#prepare(wanted, signal, changed.aborted);
      await changed.promise;
    }
  }

  /** Retries until the content is ready or something else is wanted. */
  async #prepare(wanted: Content, signal: AbortSignal, abandoned: AbortSignal): Promise<void> {
    const { provider, random, timers, clock, log } = this.#deps;
    const showing = this.showing();
    // Restored content is checked while it stays `ready`.
    const proving = this.#state.kind === "ready" && sameContent(this.#state.wanted, wanted);
    if (!proving) this.#set({ kind: "preparing", wanted, ...(showing && { showing }) });
    for (let attempt = 0; !signal.aborted && !abandoned.aborted; attempt += 1) {
      const prepared = await provider.prepare(wanted, abandoned);
      if (abandoned.aborted) return;
      if (prepared.ok) {
        this.#unproven = false;
        if (!proving || canonicalJson(prepared.value) !== canonicalJson(showing ?? null)) await this.#keep(wanted, prepared.value);
        this.#set({ kind: "ready", wanted, showing: prepared.value });
        return;
      }
      const delayMs = retryDelayMs(RETRY, attempt, random);
      log.warn({ ...prepared.error, attempt, delayMs }, "content is not ready; the last good content stays");
      this.#set({ kind: "preparing", wanted, ...(showing && { showing }), lastError: prepared.error, retryAtMs: clock.monotonicMs() + delayMs });
      await sleep(timers, "content.retry", delayMs, abandoned);
    }
  }

  async #keep(wanted: Content, showing: StageContent): Promise<void> {
    const put = await this.#deps.documents.put({ [DOCUMENT_KEY]: { wanted, showing } });
    // A full disk must not keep good content off the screen; after a restart it is prepared again.
    if (!put.ok) this.#deps.log.warn({ ...put.error }, "the shown content could not be recorded");
  }

  async #clear(): Promise<void> {
    if (this.#state.kind === "none") return;
    this.#set({ kind: "none" });
    const put = await this.#deps.documents.put({ [DOCUMENT_KEY]: null });
    if (!put.ok) this.#deps.log.warn({ ...put.error }, "the record of the shown content could not be deleted");
  }

  /** Ends when something else is wanted or the service stops. */
  #nextChange(signal: AbortSignal): { readonly promise: Promise<void>; readonly aborted: AbortSignal } {
    const abandon = new AbortController();
    const promise = new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        abandon.abort();
        resolve();
      };
      this.#wake = wake;
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake, { once: true });
    });
    return { promise, aborted: abandon.signal };
  }

  #set(state: ContentState): void {
    this.#state = state;
    this.#changed.emit(state);
  }
}

/** Wanted content whose last preparation failed, with code and message; it may still be retried. */
export function notReady(state: ContentState): { readonly content: string; readonly error: string } | undefined {
  if (state.kind !== "preparing" || state.lastError === undefined) return undefined;
  const { wanted, lastError } = state;
  return { content: wanted.name ?? redactText(wanted.url), error: redactText(`${lastError.code}: ${lastError.message}`) };
}

/** Display name of the content with this stage id: its own name if it has one; for a package also the start of its hash. */
export function contentLabel(state: ContentState, id: string): string {
  const named = state.kind === "ready" && state.showing.id === id ? state.wanted.name : undefined;
  if (/^[0-9a-f]{64}$/.test(id)) return `${named ?? "package"} (${id.slice(0, 8)})`;
  return named ?? redactText(id);
}

/** Compares regardless of the order of fields. */
export function sameContent(a: Content | undefined, b: Content | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}
