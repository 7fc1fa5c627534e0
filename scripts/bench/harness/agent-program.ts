import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askAgent } from "../../../agent/node/local-api/local-client.ts";
import type { StatusAnswer } from "../../../agent/node/local-api/answers.ts";
import { AGENT_NODE_FLAGS } from "../../start/programs.ts";
import { socketPath } from "../../../player-host/contract/socket-path.ts";
import type { Bench } from "./bench.ts";
import type { ChildProgram } from "./child-program.ts";

export interface AgentOptions {
  readonly data: string;
  /** Address of the cloud; absent: it has none. */
  readonly cloud?: string;
  readonly platform: "linux" | "simulated";
  readonly args?: readonly string[];
}

const ANSWER_TIMEOUT_MS = 2_000;

/** The shipped agent as a child process. */
export class AgentProgram {
  readonly child: ChildProgram;
  readonly #bench: Bench;
  readonly #socket: string;

  constructor(bench: Bench, { data, cloud, platform, args = [] }: AgentOptions) {
    this.#bench = bench;
    this.#socket = socketPath("agent.sock", { dataDir: data, tmpDir: tmpdir(), dataDirSha256Hex: createHash("sha256").update(data).digest("hex") }).path;
    this.child = bench.nodeAsShipped(AGENT_NODE_FLAGS, join(bench.root, "dist/agent/main.js"), [
      ...["--data", data, "--platform", platform, "--cloud-first-connect-spread-ms", "0"],
      ...["--provisioning-path", join(data, "no-provisioning.json")],
      ...(cloud === undefined ? [] : ["--cloud", cloud]),
      ...args,
    ]);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Resolves with the first answer to `status`. */
  ready(everyMs: number): Promise<StatusAnswer> {
    return this.#bench.until("the agent's answer to status", () => this.#status(), { everyMs });
  }

  /** Resolves when it is connected to its cloud and, with `owned`, claimed. */
  async online(owned = true): Promise<StatusAnswer> {
    return this.#bench.until("the agent's connection to the cloud", async () => {
      const status = await this.#status();
      return status?.link.kind === "online" && (!owned || status.owner.kind === "claimed") ? status : undefined;
    }, { everyMs: 50 });
  }

  async #status(): Promise<StatusAnswer | undefined> {
    if (this.child.end !== undefined) await this.child.next();
    const answer = await askAgent(this.#socket, "status", {}, ANSWER_TIMEOUT_MS);
    return answer.ok ? (answer.value as StatusAnswer) : undefined;
  }
}
