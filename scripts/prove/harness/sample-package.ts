import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { strToU8, zipSync } from "fflate";

/** A small customer package: a page with the files that it needs to draw. */
export const PACKAGE_FILES: Readonly<Record<string, string>> = {
  "index.html": '<!doctype html><meta charset="utf-8"><title>Proof</title><link rel="stylesheet" href="style.css"><body><script src="app.js"></script></body>\n',
  "style.css": "body { margin: 0; background: #123; color: #fff; font: 20vh sans-serif }\n",
  "app.js": `document.body.append("picture");\n${"// filler, so that damage at a random place meets this file too\n".repeat(60)}`,
};

export interface ServedPackage {
  /** The package's URL for the device of this name. */
  urlFor(device: string): string;
  /** Simulates a network outage: that device's connections end without an answer. */
  setDown(device: string, down: boolean): void;
  readonly sha256: string;
  readonly bytes: number;
  /** Number of downloads. */
  readonly fetches: () => number;
  stop(): Promise<void>;
}

/** Publishes the package on a loopback port, with ranges. */
export async function servePackage(): Promise<ServedPackage> {
  const files = Object.fromEntries(Object.entries(PACKAGE_FILES).map(([name, text]) => [name, hexOf(strToU8(text))]));
  const manifest = { manifest: 1, name: "proof", version: "1", entry: "index.html", files };
  const zip = zipSync({ "vitrine.json": strToU8(JSON.stringify(manifest)), ...Object.fromEntries(Object.entries(PACKAGE_FILES).map(([name, text]) => [name, strToU8(text)])) });
  let fetches = 0;
  const down = new Set<string>();
  const server: Server = createServer((request, response) => {
    fetches += 1;
    if (down.has(request.url?.split("/")[1] ?? "")) return void request.socket.destroy();
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const body = zip.subarray(Math.min(from, zip.length));
    const headers = { "content-type": "application/zip", "accept-ranges": "bytes", "content-length": body.length, etag: '"proof"' };
    if (from === 0) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${zip.length - 1}/${zip.length}` });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    urlFor: (device) => `${base}/${device}/proof.zip`,
    setDown: (device, isDown) => void (isDown ? down.add(device) : down.delete(device)),
    sha256: hexOf(zip),
    bytes: zip.length,
    fetches: () => fetches,
    stop: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

function hexOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
