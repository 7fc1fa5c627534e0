import type { ReportedDocument } from "../../protocol/reported.ts";

/**
 * Interface through which the parts of the agent report their state. A section is replaced as a whole; equal values are
 * not sent again; changes are collected briefly and sent as one patch.
 */
export interface Reporter {
  set<S extends keyof ReportedDocument & string>(section: S, value: ReportedDocument[S]): void;
}
