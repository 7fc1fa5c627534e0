import { resolve } from "node:path";

/** Where the agent's sockets are: the data folder, or `sockets.dir` of the agent's configuration (VITRINE_SOCKETS_DIR). */
export function socketsDir(env: Readonly<Record<string, string | undefined>>, dataDir: string): string {
  const given = env["VITRINE_SOCKETS_DIR"];
  return given === undefined || given === "" ? dataDir : resolve(given);
}
