/** What the rule needs. Hash and folders are arguments, because this folder is pure. */
export interface SocketPlace {
  /** The data folder, absolute and normalised, without a trailing slash. */
  readonly dataDir: string;
  /** `os.tmpdir()`. */
  readonly tmpDir: string;
  /** SHA-256 of `dataDir` in UTF-8, as lower-case hex. */
  readonly dataDirSha256Hex: string;
}

/** Where the socket is. Whoever listens makes `folder` (mode 0700) and the socket (mode 0600), or both for a group too. */
export interface SocketPath {
  readonly folder: string;
  readonly path: string;
}

/**
 * Longest path used inside the data folder. The kernel's own limit is 108 bytes with the ending zero on
 * Linux and 104 on macOS (`sockaddr_un.sun_path`); beyond it connect and bind fail, or cut the name off.
 */
export const SOCKET_PATH_BYTES_MAX = 100;

/**
 * The socket `name` (for example `player.sock`) of one data folder: in `<data>/run`, or, where that path is
 * too long, in a folder below the machine's temporary folder that is named by the data folder's hash.
 * Agent, player host and command line call this same function, so they always meet. Who connects checks first whose the
 * folder is (platform/node/socket-folder.ts): below the temporary folder anybody could have made it.
 */
export function socketPath(name: string, place: SocketPlace): SocketPath {
  const inData = `${place.dataDir}/run`;
  if (byteLength(`${inData}/${name}`) <= SOCKET_PATH_BYTES_MAX) return { folder: inData, path: `${inData}/${name}` };
  const folder = `${place.tmpDir}/vitrine-${place.dataDirSha256Hex.slice(0, 12)}`;
  return { folder, path: `${folder}/${name}` };
}

/** The socket on which the agent waits for the player host. */
export function playerSocketPath(place: SocketPlace): SocketPath {
  return socketPath("player.sock", place);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
