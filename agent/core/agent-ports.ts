import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Crypto, DeviceKey } from "../../platform/ports/crypto.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { PlatformAdapter } from "../../platform/ports/platform-adapter.ts";
import type { Random } from "../../platform/ports/random.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { JsonObject } from "../../platform/runtime/json.ts";
import type { Network } from "../protocol/network-settings.ts";
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
import type { SetupDoor } from "./setup/setup.ts";
import type { UpdateFiles } from "./updates/update-files.ts";
import type { DocumentStore } from "./storage/document-store.ts";

/** Everything the agent depends on. The composition root creates these; the core knows nothing else about the machine. */
export interface AgentPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly key: DeviceKey;
  readonly deviceId: string;
  /** Id of the machine's current boot. */
  readonly bootId: string;
  readonly platform: PlatformAdapter;
  readonly player: PlayerLink;
  readonly content: ContentProvider;
  readonly documents: DocumentStore;
  readonly journal: JournalStore;
  readonly outbox: Outbox;
  readonly transport: Transport;
  /** Proxy used by `transport` and `uploader`. Absent when they do not support one. */
  readonly cloudProxy?: CloudProxy;
  readonly linkPolicy: LinkPolicy;
  /** Makes the set-up portal reachable. Absent: no set-up network is opened. */
  readonly setupDoor?: SetupDoor;
  /** Creates the uploader for large files. It requests the upload address over the link and uploads only where `rules` allow. */
  uploader(link: Pick<CloudLink, "requestUpload">, rules: UploadRules): Uploader;
  readonly logs: LogSource;
  /** Where downloaded releases go. Absent: the software of this device is not updated by the agent. */
  readonly updates?: UpdateFiles;
  setLogLevel(level: "debug" | "info" | "warn" | "error"): void;
  logLevel(): string;
  /** Why the log cannot be written at present; `undefined` while it can. */
  logTrouble?(): Issue | undefined;
  /** Checks of `vitrine doctor` that need the machine (files, DNS). */
  readonly checks: readonly DiagnosticCheck[];
  /** Whether the agent's own loops make progress, for the hardware watchdog. Absent: nobody looks. */
  readonly healthy?: () => boolean;
  /** Problems found when the stored files were opened, for `vitrine doctor`. */
  storageIssues(): readonly Issue[];
}

/** What the provisioning file says besides addresses and name. */
export interface ProvisionedSettings {
  readonly ownerCommandKey?: string;
  readonly claimToken?: string;
  readonly network?: Network;
  readonly country?: string;
  readonly timeZone?: string;
  /** Removes an entry from the file once it is used. */
  readonly used: (entry: "claimToken" | "network") => void;
}

/** Initial settings; desired state may change some of them at run time. */
export interface AgentSettings {
  readonly version: string;
  readonly config: ConfigValues;
  /** Configuration values that could not be used. */
  readonly configIssues: readonly ConfigIssue[];
  /** Cloud addresses from the configuration, or else from the provisioning file. */
  readonly endpoints: readonly string[];
  /** The device's human-readable name; empty when none was given. */
  readonly name: string;
  readonly provisioning?: ProvisionedSettings;
  /** Why a provisioning file could not be used. */
  readonly provisioningIssue?: Issue;
  /** Facts for `status` and the reported document. */
  readonly facts: JsonObject;
}
