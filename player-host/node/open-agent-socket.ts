import { connect, Socket } from "node:net";
import { trustSocketFolder } from "../../platform/node/socket-folder.ts";
import type { SocketPath } from "../contract/socket-path.ts";

/** Opens the agent's socket. If its folder is not trusted, returns a socket that ends at once with the reason. */
export function openAgentSocket(socket: SocketPath, dataDir: string): Socket {
  const trusted = trustSocketFolder(socket.folder, dataDir);
  if (trusted.ok) return connect(socket.path);
  const { code, message } = trusted.error;
  return new Socket().destroy(new Error(`${code}: ${message}`));
}
