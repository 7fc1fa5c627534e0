import type { BrowserReport } from "../../../player-host/contract/browser-report.ts";
import type { CommandOutcome, Stream } from "../../protocol/records.ts";
import type { PlayerReport, ReportedDocument, ScreenReport } from "../../protocol/reported.ts";
import type { StreamRange } from "../../core/outbox/backlog.ts";
import type { LinkStatus } from "../../core/cloud/cloud-port.ts";

/** Answers of the local API. Times are ms; `…Ms` without "since" is wall clock time. */

export interface StatusAnswer {
  readonly deviceId: string;
  readonly name?: string;
  readonly agentVersion: string;
  readonly pid: number;
  readonly adapter: string;
  readonly evidence: readonly string[];
  readonly data: string;
  readonly bootId: string;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly owner: { readonly kind: "unclaimed" } | { readonly kind: "claimed"; readonly name: string; readonly key: string };
  readonly pairing?: { readonly code: string; readonly claimUrl: string };
  /** While the set-up network is open: its name and the address of its portal. The password is on the screen only. */
  readonly setup?: { readonly ssid: string; readonly url: string };
  /** One sentence for a person. */
  readonly linkSentence: string;
  readonly link: LinkStatus;
  readonly player?: PlayerReport;
  /** The player host's browser, as last reported. */
  readonly browser?: BrowserReport;
  readonly screen?: ScreenReport;
  /** Absent where nothing updates the software, or before it was read. */
  readonly software?: ReportedDocument["software"];
  readonly desiredVersion: number;
  readonly outbox: Readonly<Record<Stream, StreamRange>>;
  readonly openCommands: number;
  /** State of each supervised unit. */
  readonly units: Readonly<Record<string, string>>;
  readonly alarms: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
  /** Names of pending timers, to find what keeps a device busy. */
  readonly timers: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface DoctorAnswer {
  readonly checks: readonly { readonly name: string; readonly status: "ok" | "warning" | "failed" | "unsupported"; readonly message: string; readonly todo?: string }[];
}

export interface ConfigAnswer {
  /** Path of the configuration file, whether it exists or not. */
  readonly file: string;
  /** A secret's `value` is `null`; `isSet` tells whether there is one. */
  readonly entries: readonly { readonly key: string; readonly value: unknown; readonly isSet?: boolean; readonly source: string; readonly default: unknown; readonly secret: boolean; readonly description: string }[];
  readonly issues: readonly { readonly code: string; readonly message: string; readonly hint?: string }[];
}

export interface CommandsAnswer {
  readonly commands: readonly { readonly id: string; readonly attempt: number; readonly name: string; readonly state: string; readonly receivedMs: number; readonly outcome?: CommandOutcome }[];
}

export interface EventsAnswer {
  /** Records the cloud has not stored, oldest first. */
  readonly waiting: readonly { readonly stream: Stream; readonly seq: number; readonly kind: string; readonly wallMs: number; readonly body: unknown }[];
}

export interface LogsAnswer {
  /** JSON lines, oldest first. */
  readonly lines: readonly string[];
}

export interface BundleAnswer {
  readonly path: string;
  readonly bytes: number;
  readonly files: readonly string[];
}
