import type { Socket } from "node:net";
import { socketChannel } from "../../platform/node/socket-channel.ts";
import type { Timers } from "../../platform/ports/clock.ts";
import type { ChannelListener } from "../../player-host/contract/link-channel.ts";
import type { HostLink } from "../core/player/host-link.ts";
import type { PlayerGroup } from "./player-group.ts";
import { SocketPace } from "./socket-pace.ts";
import { serveUnixSocket } from "./unix-server.ts";

/** A busy host sends a few dozen lines a second. Excess lines wait in the socket and delay only their sender. */
const LINES_PER_SECOND_MAX = 500;
/** Simultaneous connections. There is one host, and briefly its successor. */
const CONNECTIONS_MAX = 8;

export interface PlayerSocketOptions {
  readonly path: string;
  readonly link: HostLink;
  readonly timers: Timers;
  /** Group of the player host, if it runs as another user. */
  readonly group?: PlayerGroup | undefined;
  readonly onListening?: () => void;
}

/** Listens for the player host on a Unix socket until `signal` aborts. Rejects when the socket cannot be created. */
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
