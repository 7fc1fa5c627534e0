import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Crypto, DeviceKey } from "../../platform/ports/crypto.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { PlatformAdapter } from "../../platform/ports/platform-adapter.ts";
import type { Random } from "../../platform/ports/random.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { JsonObject } from "../../platform/runtime/json.ts";
import type { UploadRules } from "../protocol/upload-address.ts";
import type { CloudLink, Transport } from "./cloud/cloud-port.ts";
import type { LinkPolicy } from "./cloud/link-policy.ts";
import type { JournalStore } from "./commands/journal-store.ts";
import type { LogSource } from "./commands/services.ts";
import type { Uploader } from "./commands/uploader.ts";
import type { ConfigValues } from "./config/config-table.ts";
import type { ConfigIssue } from "./config/resolve-config.ts";
import type { ContentProvider } from "./content/content-port.ts";
import type { DiagnosticCheck } from "./health/diagnostic-check.ts";
import type { Outbox } from "./outbox/outbox.ts";
import type { PlayerLink } from "./player/player-port.ts";
import type { CloudProxy } from "./network/cloud-proxy.ts";
import type { DocumentStore } from "./storage/document-store.ts";

/** Everything the agent stands on. Composition makes these; the core knows nothing else of the machine. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly key: DeviceKey;
  readonly deviceId: string;
  /** Of this boot of the machine. */
  readonly bootId: string;
  readonly platform: PlatformAdapter;
  readonly player: PlayerLink;
  readonly content: ContentProvider;
  readonly documents: DocumentStore;
  readonly journal: JournalStore;
  readonly outbox: Outbox;
  readonly transport: Transport;
  /** Through which `transport` and `uploader` get out. Absent: they know no proxy. */
  readonly cloudProxy?: CloudProxy;
  readonly linkPolicy: LinkPolicy;
  /** Brings big things to the cloud beside the link; it asks the link for the address, and goes where `rules` allow. */
  uploader(link: Pick<CloudLink, "requestUpload">, rules: UploadRules): Uploader;
  readonly logs: LogSource;
  setLogLevel(level: "debug" | "info" | "warn" | "error"): void;
  logLevel(): string;
  /** Why the agent's log is not written now; absent, or `undefined`: it is. */
  logTrouble?(): Issue | undefined;
  /** Checks of `vitrine doctor` that need the machine (files, DNS). */
  readonly checks: readonly DiagnosticCheck[];
  /** What was wrong with stored files when they were opened, for `vitrine doctor`. */
  storageIssues(): readonly Issue[];
}

/** What the agent starts with; desired state may change some of it while it runs. */
export interface AgentSettings {
  readonly version: string;
  readonly config: ConfigValues;
  /** What of the configuration could not be used. */
  readonly configIssues: readonly ConfigIssue[];
  /** Addresses of the cloud: configuration, else the provisioning file's. */
  readonly endpoints: readonly string[];
  /** Name for people; empty: none was given. */
  readonly name: string;
  readonly provisioning?: { readonly ownerCommandKey?: string; readonly claimToken?: string };
  /** Facts for `status` and the reported document. */
  readonly facts: JsonObject;
}
