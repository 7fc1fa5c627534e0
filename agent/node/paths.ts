import { join, resolve } from "node:path";

/** Every path the agent writes to. All are inside the data folder unless the configuration says otherwise. */
export interface Paths {
  readonly data: string;
  readonly outbox: string;
  readonly journal: string;
  readonly documents: string;
  readonly quarantine: string;
  readonly identity: string;
  readonly content: string;
  /** Log folders; the first is the agent's own. */
  readonly logs: readonly string[];
  readonly agentLog: string;
  /** Default place of a support bundle; each one replaces the last. */
  readonly supportBundle: string;
  /** Downloaded releases. */
  readonly updates: string;
  /** Simulated machine only: public keys of releases it takes. */
  readonly releaseKeys: string;
  readonly simulatedWorld: string;
  /** Read once at start, if it exists. */
  readonly provisioning: string;
}

/** Folders that may be outside the data folder; empty or absent: inside. */
export interface OtherFolders {
  readonly content?: string;
  readonly playerLogs?: string;
}

export function pathsIn(data: string, { content = "", playerLogs = "" }: OtherFolders = {}): Paths {
  const logs = join(data, "logs");
  return {
    data,
    outbox: join(data, "outbox.sqlite"),
    journal: join(data, "journal.sqlite"),
    documents: join(data, "state.sqlite"),
    quarantine: join(data, "quarantine"),
    identity: join(data, "identity"),
    content: content === "" ? join(data, "content") : resolve(content),
    logs: playerLogs === "" ? [logs] : [logs, resolve(playerLogs)],
    agentLog: join(logs, "agent.log"),
    supportBundle: join(data, "support", "vitrine-support.zip"),
    updates: join(data, "updates"),
    releaseKeys: join(data, "release-keys"),
    simulatedWorld: join(data, "simulated-world.json"),
    provisioning: join(data, "vitrine-provision.json"),
  };
}
