import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeAgentChannel } from "../../player-host/contract/agent-channel.conformance.ts";
import type { ChannelListener } from "../../player-host/contract/link-channel.ts";
import { socketChannel } from "./socket-channel.ts";

describeAgentChannel("a local socket", () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-channel-"));
  const path = join(folder, "s.sock");
  const sockets: Socket[] = [];
  let server: Server | undefined;
  const goAway = async (): Promise<void> => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
    server = undefined;
  };
  return Promise.resolve({
    open: (listener) => socketChannel(connect(path), "the agent", listener),
    listen: (accept) => {
      const opened = createServer((socket) => {
        sockets.push(socket);
        const listener: ChannelListener = accept(socketChannel(socket, "the player host", { line: (line) => listener.line(line), ended: (why) => listener.ended(why) }));
      });
      server = opened;
      return new Promise<void>((done) => opened.listen(path, done));
    },
    goAway,
    stopReading: () => sockets.at(-1)?.pause(),
    dispose: async () => {
      await goAway();
      rmSync(folder, { recursive: true, force: true });
    },
  });
});
