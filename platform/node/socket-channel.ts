import type { Socket } from "node:net";
import { tooLong, UNSENT_BYTES_MAX, type ChannelListener, type LinkChannel } from "../../player-host/contract/link-channel.ts";
import { LINK_LINE_BYTES_MAX } from "../../player-host/contract/link-messages.ts";
import { LineFramer } from "../runtime/line-framer.ts";

/** A channel of the link over a local socket, one line feed after each line. `peer` names the other end in the log. */
export function socketChannel(socket: Socket, peer: string, listener: ChannelListener): LinkChannel {
  const framer = new LineFramer(LINK_LINE_BYTES_MAX);
  let why: string | undefined;
  const end = (reason: string): void => {
    why ??= reason;
    socket.destroy();
  };
  socket.on("connect", () => listener.opened?.());
  socket.on("error", (error) => {
    why ??= error.message;
  });
  socket.on("data", (chunk: Buffer) => {
    const lines = framer.push(chunk);
    if (lines === undefined) return end(tooLong(peer));
    for (const line of lines) listener.line(line);
  });
  socket.once("close", () => listener.ended(why ?? `${peer} closed the link`));
  const send = (line: string): boolean => {
    if (socket.destroyed) return false;
    if (socket.writableLength > UNSENT_BYTES_MAX) {
      end(`${peer} does not read`);
      return false;
    }
    socket.write(`${line}\n`);
    return true;
  };
  return { send, end };
}
