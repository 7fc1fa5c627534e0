import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { zipSync } from "fflate";
import { MANIFEST_NAME, type Manifest } from "../../../player-host/contract/manifest.ts";
import { shareOf, type Colour, type Picture } from "./picture.ts";

/** No screen of ours and no empty page of the browser has it. */
const COLOUR: Colour = [32, 160, 96];
const SHARE_MIN = 0.8;

/** A page of one colour with a line of text: what the screen must show can be told by any picture of it. */
export const BENCH_PAGE = `<!doctype html><meta charset="utf-8"><title>Bench</title><body style="margin:0;background:rgb(${COLOUR.join()});color:#fff;font:40px sans-serif"><p style="margin:40px">The picture that was asked for</p>`;

export function isBenchPage(picture: Picture): boolean {
  return shareOf(picture, COLOUR) >= SHARE_MIN;
}

/** Serves the page on loopback, for a device that is told its address. */
export async function serveBenchPage(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer((_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end(BENCH_PAGE));
  await new Promise<void>((done) => {
    server.listen(0, "127.0.0.1", done);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
  };
}

/** Writes the page to a folder, and as a package beside it, as the development cloud takes a sample. Returns the folder. */
export function writeBenchPage(parent: string): string {
  const folder = join(parent, "page");
  mkdirSync(folder);
  const manifest: Manifest = {
    manifest: 1, name: "bench-page", version: "1.0.0", entry: "index.html", capabilities: [], allowedOrigins: [],
    files: { "index.html": createHash("sha256").update(BENCH_PAGE).digest("hex") },
  };
  const files = { "index.html": Buffer.from(BENCH_PAGE), [MANIFEST_NAME]: Buffer.from(JSON.stringify(manifest)) };
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
  writeFileSync(`${folder}.zip`, zipSync(files));
  return folder;
}
