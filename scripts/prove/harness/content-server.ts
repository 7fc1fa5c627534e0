import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { strToU8, zipSync } from "fflate";
import type { Content } from "../../../agent/protocol/content.ts";

/** Serves numbered content packages on loopback, with byte ranges. */
export class ContentServer {
  readonly #server: Server;
  readonly #zips = new Map<string, Uint8Array>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ContentServer> {
    const server = createServer();
    const served = new ContentServer(server);
    server.on("request", (request, response) => {
      const zip = served.#zips.get(request.url ?? "");
      if (zip === undefined) {
        response.writeHead(404).end();
        return;
      }
      const from = Math.min(Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0), zip.length);
      const range = from === 0 ? {} : { "content-range": `bytes ${from}-${zip.length - 1}/${zip.length}` };
      response.writeHead(from === 0 ? 200 : 206, { "content-length": zip.length - from, etag: '"as-named"', ...range });
      response.end(zip.subarray(from));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return served;
  }

  /** The content with this number: two files and their manifest. */
  content(number: string): Content {
    const path = `/${number}.zip`;
    const zip = this.#zips.get(path) ?? zipOf(number);
    this.#zips.set(path, zip);
    const { port } = this.#server.address() as AddressInfo;
    return { kind: "package", url: `http://127.0.0.1:${port}${path}`, sha256: sha256(zip), bytes: zip.length };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

function zipOf(number: string): Uint8Array {
  const files: Record<string, Uint8Array> = { "index.html": strToU8(`<h1>number ${number}</h1>`), "menu.json": strToU8(`{"number":"${number}"}`) };
  const hashes = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, sha256(data)]));
  return zipSync({ "vitrine.json": strToU8(JSON.stringify({ manifest: 1, name: "proof", version: number, entry: "index.html", files: hashes })), ...files });
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
