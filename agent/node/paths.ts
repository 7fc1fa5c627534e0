import { join } from "node:path";

/** Every path the agent writes to, in one place. All are under the data folder unless said otherwise. */
export interface Paths {
  readonly data: string;
  readonly config: string;
  readonly outbox: string;
  readonly journal: string;
  readonly documents: string;
  readonly quarantine: string;
  readonly identity: string;
  readonly content: string;
  readonly logs: string;
  readonly agentLog: string;
  readonly playerLog: string;
  readonly simulatedWorld: string;
  /** Read once at start, when it is there. */
  readonly provisioning: string;
}

export function pathsIn(data: string): Paths {
  return {
    data,
    config: join(data, "config.json"),
    outbox: join(data, "outbox.sqlite"),
    journal: join(data, "journal.sqlite"),
    documents: join(data, "state.sqlite"),
    quarantine: join(data, "quarantine"),
    identity: join(data, "identity"),
    content: join(data, "content"),
    logs: join(data, "logs"),
    agentLog: join(data, "logs", "agent.log"),
    playerLog: join(data, "logs", "player.log"),
    simulatedWorld: join(data, "simulated-world.json"),
    provisioning: join(data, "vitrine-provision.json"),
  };
}
