import { join } from "node:path";
import { socketChannel } from "../../platform/node/socket-channel.ts";
import type { SocketPath } from "../contract/socket-path.ts";
import { openHost, type HostPorts } from "../host/open-host.ts";
import { diskPackageFolders } from "./disk-package-folders.ts";
import { FileSpoolStore } from "./file-spool-store.ts";
import { FileTextStore } from "./file-text-store.ts";
import { HttpOriginProbe } from "./http-origin-probe.ts";
import { openAgentSocket } from "./open-agent-socket.ts";

/** The parts that differ between shells and processes. */
export interface HostParts extends Pick<HostPorts, "shell" | "browser" | "trial" | "clock" | "timers" | "random" | "log" | "logTrouble"> {
  /** Absolute data folder. */
  readonly dataDir: string;
  /** The socket on which the agent listens. */
  readonly socket: SocketPath;
  /** The folder that the socket belongs to, see `socketsDir`. */
  readonly socketsDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Composes a host from the classes for Node, for any shell. Resolves as `openHost` does. */
export function composeHost({ dataDir, socket, socketsDir, env, ...parts }: HostParts): ReturnType<typeof openHost> {
  const folder = join(dataDir, "player");
  return openHost({
    ...parts,
    openChannel: (listener) => socketChannel(openAgentSocket(socket, socketsDir), "the agent", listener),
    scene: new FileTextStore(join(folder, "scene.json")),
    packageList: new FileTextStore(join(folder, "package-storage.json")),
    spool: new FileSpoolStore(join(folder, "spool.jsonl")),
    folders: diskPackageFolders,
    probe: (wayOut) => new HttpOriginProbe({ env, clock: parts.clock, wayOut }),
    pid: process.pid,
    hostBytes: () => process.memoryUsage.rss(),
  });
}
