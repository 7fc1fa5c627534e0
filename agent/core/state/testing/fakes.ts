import type { JsonObject } from "../../../../platform/runtime/json.ts";
import type { NewRecord, EventSink } from "../../outbox/event-sink.ts";
import type { ReportedDocument } from "../../../protocol/reported.ts";
import type { Alarms } from "../../health/alarms.ts";
import type { Reporter } from "../reporter.ts";
import { ok, type Result } from "../../../../platform/ports/result.ts";
import type { Code } from "../../../../platform/ports/codes.ts";

/** Keeps the sections and the history of their values. */
export class FakeReporter implements Reporter {
  document: ReportedDocument = {};
  readonly history: { readonly section: string; readonly value: unknown }[] = [];

  set<S extends keyof ReportedDocument & string>(section: S, value: ReportedDocument[S]): void {
    this.document = { ...this.document, [section]: value };
    this.history.push({ section, value });
  }
}

/** Keeps the raised codes, and a log of raises (`+code`) and clears (`-code`). */
export class FakeAlarms implements Alarms {
  readonly raised = new Map<string, { severity: "info" | "warning" | "error" | "critical"; message: string; sinceMs: number }>();
  readonly log: string[] = [];

  raise(code: string, severity: "info" | "warning" | "error" | "critical", message: string): void {
    if (this.raised.has(code)) return;
    this.raised.set(code, { severity, message, sinceMs: 0 });
    this.log.push(`+${code}`);
  }

  clear(code: string): void {
    if (this.raised.delete(code)) this.log.push(`-${code}`);
  }

  active() {
    return this.raised;
  }
}

/** Keeps what was appended. */
export class FakeSink implements EventSink {
  readonly records: NewRecord[] = [];
  refuse: Code | undefined;

  append(record: NewRecord): Promise<Result<{ readonly seq: number }>> {
    if (this.refuse !== undefined) return Promise.resolve({ ok: false, error: { code: this.refuse, message: "refused" } });
    this.records.push(record);
    return Promise.resolve(ok({ seq: this.records.length }));
  }

  bodies(): readonly JsonObject[] {
    return this.records.map((record) => record.body);
  }
}
