import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";

/** Serves the files of a folder on loopback, with byte ranges. */
export class FileServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(folder: string): Promise<FileServer> {
    const server = createServer((request, response) => {
      const file = join(folder, basename(request.url ?? ""));
      if (!existsSync(file)) return void response.writeHead(404).end();
      const { size } = statSync(file);
      const from = Math.min(Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0), size);
      response.writeHead(from === 0 ? 200 : 206, { "content-length": size - from, etag: '"as-named"', ...(from > 0 && { "content-range": `bytes ${from}-${size - 1}/${size}` }) });
      createReadStream(file, { start: from }).pipe(response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new FileServer(server);
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
