import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";

export interface UnixServerOptions {
  readonly path: string;
  /** Limit on simultaneous connections; more are closed at once, so that a peer cannot exhaust the file descriptors. */
  readonly connectionsMax: number;
  readonly accept: (socket: Socket) => void;
  /** Who may connect besides this user. Absent: nobody. */
  readonly sharing?: SocketSharing;
  /** Called when the socket accepts connections. */
  readonly onListening?: () => void;
}

/**
 * Group whose members may pass through the socket's folder and, with `connects`, use this socket. All sockets of a folder
 * share one group.
 */
export interface SocketSharing {
  readonly groupId: number;
  readonly connects: boolean;
}

/**
 * Listens on a Unix socket until `signal` aborts, then closes every connection. An existing socket file was left by a
 * killed agent and is replaced: the lock allows one agent per data folder. Rejects when the socket cannot be created or
 * its folder belongs to another user.
 */
export async function serveUnixSocket({ path, connectionsMax, accept, sharing, onListening }: UnixServerOptions, signal: AbortSignal): Promise<void> {
  await ownFolder(dirname(path), sharing?.groupId);
  // Recursive: a damaged file system may have put anything there.
  await rm(path, { force: true, recursive: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    accept(socket);
  });
  await listen(server, path);
  if (sharing?.connects === true) await giveToGroup(path, sharing.groupId, 0o660);
  else await chmod(path, 0o600);
  onListening?.();
  await new Promise<void>((resolve, reject) => {
    const end = (done: () => void): void => {
      signal.removeEventListener("abort", stop);
      for (const socket of sockets) socket.destroy();
      server.close(done);
    };
    const stop = (): void => end(resolve);
    server.once("error", (error) => end(() => reject(error)));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Creates the folder and checks its owner. It may be inside the machine's temporary folder under a predictable name, where
 * another user could create it first and replace our socket.
 */
async function ownFolder(folder: string, groupId: number | undefined): Promise<void> {
  const before = await lstat(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return undefined;
    throw thrown;
  });
  // A plain file here is damage and holds nothing of ours. A link is deliberate and stays.
  if (before?.isFile() === true) await rm(folder, { force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is not a folder`);
  const user = process.getuid?.();
  if (user !== undefined && stats.uid !== user) throw new Error(`${folder} belongs to another user (${stats.uid})`);
  // The group may pass through, but not list, create or remove anything.
  if (groupId !== undefined) await giveToGroup(folder, groupId, 0o710);
  else if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/** Sets the mode last, so that nobody else gets access between the two steps. */
async function giveToGroup(path: string, groupId: number, mode: number): Promise<void> {
  const { uid } = await lstat(path);
  await chown(path, uid, groupId);
  await chmod(path, mode);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
