import type { CloudMessageOf } from "../../../agent/protocol/cloud-messages.ts";
import type { Stream } from "../../../agent/protocol/records.ts";
import type { LiveSession } from "./live-sessions.ts";
import type { Misbehaviours } from "./misbehaviour.ts";
import type { IntakeResult } from "./record-intake.ts";
import type { PoisonRecord } from "./record-gate.ts";

/** Refusals in one `stored` frame. */
const REJECTED_PER_FRAME = 100;
/** By how much `acksGoBack` lowers an acknowledgement. */
const BACK_BY = 10;

interface Pending {
  readonly streams: Partial<Record<Stream, number>>;
  readonly rejected: (PoisonRecord & { readonly stream: Stream })[];
}

/** Sends one `stored` acknowledgement per session, log and commit, however many batches the commit held. */
export class StoredAnswers {
  readonly #misbehaviours: Misbehaviours;
  readonly #pending = new Map<LiveSession, Map<string, Pending>>();
  #turn = 0;

  constructor(misbehaviours: Misbehaviours) {
    this.#misbehaviours = misbehaviours;
  }

  add(session: LiveSession, result: IntakeResult): void {
    let logs = this.#pending.get(session);
    if (logs === undefined) this.#pending.set(session, (logs = new Map<string, Pending>()));
    let pending = logs.get(result.log);
    if (pending === undefined) logs.set(result.log, (pending = { streams: {}, rejected: [] }));
    pending.streams[result.stream] = result.upTo;
    for (const poison of result.rejected) pending.rejected.push({ ...poison, stream: result.stream });
  }

  forget(session: LiveSession): void {
    this.#pending.delete(session);
  }

  /** Call after the commit: everything added is on disk. */
  flush(): void {
    for (const [session, logs] of this.#pending) {
      for (const [log, pending] of logs) this.#answer(session, log, pending);
    }
    this.#pending.clear();
  }

  #answer(session: LiveSession, log: string, pending: Pending): void {
    const bad = this.#misbehaviours.of(session.device);
    if (bad.neverAck === true) return;
    this.#turn += 1;
    const back = bad.acksGoBack === true && this.#turn % 2 === 0;
    const streams = back
      ? Object.fromEntries(Object.entries(pending.streams).map(([stream, upTo]) => [stream, Math.max(0, upTo - BACK_BY)]))
      : pending.streams;
    let from = 0;
    do {
      const rejected = pending.rejected
        .slice(from, from + REJECTED_PER_FRAME)
        .map(({ stream, seq, code, message }) => ({ stream, seq, code, message }));
      const message: CloudMessageOf<"stored"> = { t: "stored", log, streams, ...(rejected.length === 0 ? {} : { rejected }) };
      session.send(message);
      from += REJECTED_PER_FRAME;
    } while (from < pending.rejected.length);
  }
}
