import { join } from "node:path";
import { socketChannel } from "../../platform/node/socket-channel.ts";
import type { SocketPath } from "../contract/socket-path.ts";
import { openHost, type HostPorts } from "../host/open-host.ts";
import { diskPackageFolders } from "./disk-package-folders.ts";
import { FileSpoolStore } from "./file-spool-store.ts";
import { FileTextStore } from "./file-text-store.ts";
import { HttpOriginProbe } from "./http-origin-probe.ts";
import { openAgentSocket } from "./open-agent-socket.ts";

/** What differs from one shell, and one process, to the next. */
export interface HostParts extends Pick<HostPorts, "shell" | "browser" | "trial" | "clock" | "timers" | "random" | "log" | "logTrouble"> {
  /** Absolute data folder. */
  readonly dataDir: string;
  /** Where the agent listens. */
  readonly socket: SocketPath;
  /** The data folder that its socket belongs to. */
  readonly socketsDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Names the concrete classes of a host that runs on Node, whatever its shell. Resolves as `openHost` does. */
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
