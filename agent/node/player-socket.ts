import type { Socket } from "node:net";
import { socketChannel } from "../../platform/node/socket-channel.ts";
import type { Timers } from "../../platform/ports/clock.ts";
import type { ChannelListener } from "../../player-host/contract/link-channel.ts";
import type { HostLink } from "../core/player/host-link.ts";
import type { PlayerGroup } from "./player-group.ts";
import { SocketPace } from "./socket-pace.ts";
import { serveUnixSocket } from "./unix-server.ts";

/** A host in its worst second says some dozen lines. What comes faster waits in the socket, where it holds up its sender alone. */
const LINES_PER_SECOND_MAX = 500;
/** Connections at one time; there is one host, and for a moment the one after it. */
const CONNECTIONS_MAX = 8;

export interface PlayerSocketOptions {
  readonly path: string;
  /** Takes every connection. */
  readonly link: HostLink;
  readonly timers: Timers;
  /** Group of the player host, where it runs as another user. */
  readonly group?: PlayerGroup | undefined;
  readonly onListening?: () => void;
}

/** Listens for the player host on a Unix socket until `signal` aborts. Rejects when the socket cannot be made. */
export function servePlayerSocket({ path, link, timers, group, onListening }: PlayerSocketOptions, signal: AbortSignal): Promise<void> {
  const sharing = group === undefined ? {} : { sharing: { groupId: group.id, connects: true } };
  const options = { path, connectionsMax: CONNECTIONS_MAX, accept: (socket: Socket) => accept(socket, link, timers) };
  return serveUnixSocket({ ...options, ...sharing, ...(onListening && { onListening }) }, signal);
}

function accept(socket: Socket, link: HostLink, timers: Timers): void {
  const pace = new SocketPace(socket, timers, LINES_PER_SECOND_MAX);
  const listener: ChannelListener = link.accept(
    socketChannel(socket, "the player host", {
      line: (line) => {
        pace.note(1);
        listener.line(line);
      },
      ended: (why) => {
        pace.stop();
        listener.ended(why);
      },
    }),
  );
}
