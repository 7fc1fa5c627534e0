import type { ReportedDocument } from "../../protocol/reported.ts";

/** Top-level part of the reported document. */
export type ReportedSection = Exclude<keyof ReportedDocument & string, never>;

/**
 * Where parts of the agent say what is so. A section is replaced whole; equal values are not sent
 * again; changes are gathered for a moment and sent as one patch.
 */
export interface Reporter {
  set<S extends keyof ReportedDocument & string>(section: S, value: ReportedDocument[S]): void;
}
