import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import type { SampleContent } from "./sample-content.ts";
import { findFile, sendFile } from "./static-files.ts";

export interface SampleServerParts {
  readonly sample: SampleContent;
  /** Folder in which the port is kept, because documents on devices contain it. */
  readonly data: string;
  readonly log: Log;
}

/**
 * Serves the sample player on a separate port. Content is untrusted: on the API's port it would share the API's
 * origin and could claim devices and send commands.
 */
export class SampleServer {
  readonly #parts: SampleServerParts;
  readonly #server: Server;

  constructor(parts: SampleServerParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((thrown: unknown) => {
        this.#parts.log.error({ error: messageOf(thrown), path: request.url }, "a sample file could not be sent");
        response.destroy();
      });
    });
  }

  /** Listens on the previous port if it is free, else on one chosen by the system. Resolves with the port. */
  async listen(host: string): Promise<number> {
    const file = join(this.#parts.data, "sample-port");
    const kept = portIn(file);
    const port = await this.#listen(kept, host).catch((error: NodeJS.ErrnoException) => {
      if (kept === 0 || error.code !== "EADDRINUSE") throw error;
      this.#parts.log.warn({ port: kept }, "the previous port of the sample content is taken: devices that show it by URL need the new one");
      return this.#listen(0, host);
    });
    if (port !== kept) writeFileSync(file, String(port));
    return port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { folder } = this.#parts.sample;
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const isRead = request.method === "GET" || request.method === "HEAD";
    const file = isRead && folder !== undefined ? await findFile(folder, pathname.slice(1)) : undefined;
    if (file === undefined) response.writeHead(isRead ? 404 : 405, { "content-type": "text/plain" }).end("there is no such file in the sample content\n");
    else await sendFile(request, response, file, { "access-control-allow-origin": "*" });
  }
}

/** The kept port; 0 (the system chooses) when there is none or it is not valid. */
function portIn(file: string): number {
  try {
    const port = Number(readFileSync(file, "utf8"));
    return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : 0;
  } catch {
    // First start with this folder.
    return 0;
  }
}
