import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";

export interface UnixServerOptions {
  readonly path: string;
  /** Connections at one time; more are closed at once. A peer that leaks them must not take the agent's file descriptors. */
  readonly connectionsMax: number;
  readonly accept: (socket: Socket) => void;
  /** Who but this user is let in. Without it nobody is. */
  readonly sharing?: SocketSharing;
  /** The socket is there and takes connections. */
  readonly onListening?: () => void;
}

/** A group whose members may pass the socket's folder, and with `connects` use this socket. Sockets of one folder name the same group. */
export interface SocketSharing {
  readonly groupId: number;
  readonly connects: boolean;
}

/**
 * Listens on a Unix socket for this user, and who it is shared with, until `signal` aborts, then closes every connection. A
 * socket file that is in the way was left by an agent that was killed: this data folder has one agent (see the lock). Rejects
 * when the socket cannot be made, or its folder is somebody else's.
 */
export async function serveUnixSocket({ path, connectionsMax, accept, sharing, onListening }: UnixServerOptions, signal: AbortSignal): Promise<void> {
  await ownFolder(dirname(path), sharing?.groupId);
  // Whatever a damaged file system put there instead goes the same way.
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
 * The folder may be below the machine's temporary folder, under a name anybody can work out: whoever made it first
 * could put a socket of their own in place of ours.
 */
async function ownFolder(folder: string, groupId: number | undefined): Promise<void> {
  const before = await lstat(folder).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return undefined;
    throw thrown;
  });
  // A plain file in its place is damage, and nothing of ours is in it. A link is somebody's doing and stays.
  if (before?.isFile() === true) await rm(folder, { force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is not a folder`);
  const user = process.getuid?.();
  if (user !== undefined && stats.uid !== user) throw new Error(`${folder} belongs to another user (${stats.uid})`);
  // The group passes, and cannot list, make or remove anything.
  if (groupId !== undefined) await giveToGroup(folder, groupId, 0o710);
  else if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/** The mode last: between the two steps nobody gets in who should not. */
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
