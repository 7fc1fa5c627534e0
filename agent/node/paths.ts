import { join, resolve } from "node:path";

/** Every path the agent writes to, in one place. All are under the data folder, unless the configuration puts one elsewhere. */
export interface Paths {
  readonly data: string;
  readonly config: string;
  readonly outbox: string;
  readonly journal: string;
  readonly documents: string;
  readonly quarantine: string;
  readonly identity: string;
  readonly content: string;
  /** Folders with logs; the first is the agent's own. */
  readonly logs: readonly string[];
  readonly agentLog: string;
  /** Where a support bundle goes that nobody named a place for; each takes the place of the last. */
  readonly supportBundle: string;
  readonly simulatedWorld: string;
  /** Read once at start, when it is there. */
  readonly provisioning: string;
}

/** Folders that may be outside of the data folder; empty or absent: inside. */
export interface OtherFolders {
  readonly content?: string;
  readonly playerLogs?: string;
}

export function pathsIn(data: string, { content = "", playerLogs = "" }: OtherFolders = {}): Paths {
  const logs = join(data, "logs");
  return {
    data,
    config: join(data, "config.json"),
    outbox: join(data, "outbox.sqlite"),
    journal: join(data, "journal.sqlite"),
    documents: join(data, "state.sqlite"),
    quarantine: join(data, "quarantine"),
    identity: join(data, "identity"),
    content: content === "" ? join(data, "content") : resolve(content),
    logs: playerLogs === "" ? [logs] : [logs, resolve(playerLogs)],
    agentLog: join(logs, "agent.log"),
    supportBundle: join(data, "support", "vitrine-support.zip"),
    simulatedWorld: join(data, "simulated-world.json"),
    provisioning: join(data, "vitrine-provision.json"),
  };
}
