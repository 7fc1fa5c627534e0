/** Input of `socketPath`. Passed in, because the modules in this folder are pure. */
export interface SocketPlace {
  /** The data folder, absolute and normalised, without a trailing slash. */
  readonly dataDir: string;
  /** `os.tmpdir()`. */
  readonly tmpDir: string;
  /** SHA-256 of `dataDir` in UTF-8, as lower-case hex. */
  readonly dataDirSha256Hex: string;
}

/** Where the socket is. The listener creates `folder` (mode 0700) and the socket (mode 0600), or both with group access. */
export interface SocketPath {
  readonly folder: string;
  readonly path: string;
}

/**
 * Longest path used inside the data folder. The kernel's limit is 108 bytes including the terminating zero on
 * Linux and 104 on macOS (`sockaddr_un.sun_path`); beyond it, connect and bind fail or truncate the name.
 */
export const SOCKET_PATH_BYTES_MAX = 100;

/**
 * The socket `name` (for example `player.sock`) of a data folder: in `<data>/run`, or, when that path is
 * too long, in a folder named after the data folder's hash below the machine's temporary folder.
 * Agent, player host and command line all use this function, so they always agree. Whoever connects first checks who
 * owns the folder (platform/node/socket-folder.ts): anyone could have created it below the temporary folder.
 */
export function socketPath(name: string, place: SocketPlace): SocketPath {
  const inData = `${place.dataDir}/run`;
  if (byteLength(`${inData}/${name}`) <= SOCKET_PATH_BYTES_MAX) return { folder: inData, path: `${inData}/${name}` };
  const folder = `${place.tmpDir}/vitrine-${place.dataDirSha256Hex.slice(0, 12)}`;
  return { folder, path: `${folder}/${name}` };
}

/** The socket on which the agent listens for the player host. */
export function playerSocketPath(place: SocketPlace): SocketPath {
  return socketPath("player.sock", place);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
