import { pipeline } from "node:stream/promises";
import { sendJson, choiceOf, numberOf, type Exchange } from "./exchange.ts";
import type { UploadRow } from "../sessions/cloud-store.ts";
import { ApiError, apiError } from "./api-error.ts";
import { deviceOf } from "./device-routes.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";

/** Types a browser may display; everything else is offered as a download. */
const INLINE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg"]);

export function uploadRoutes(router: Router, parts: ServerParts): void {
  const { cloud, views, uploads } = parts;
  const { store } = cloud.context;

  router.on("HEAD", "/upload/:token", (exchange) => uploads.head(exchange));
  router.on("PUT", "/upload/:token", (exchange) => uploads.put(exchange));

  router.on("GET", "/api/v1/devices/:device/uploads", (exchange) => {
    const { id: device } = deviceOf(parts, exchange);
    const { query } = exchange;
    const purpose = choiceOf(query, "purpose", ["screenshot", "logs", "support-bundle"] as const);
    const rows = store.uploads({
      device,
      limit: numberOf(query, "limit", { min: 1, max: 200 }) ?? 50,
      internal: query.get("internal") === "1",
      ...(purpose === undefined ? {} : { purpose }),
    });
    sendJson(exchange.response, 200, { uploads: rows.map((row) => views.upload(row, uploads.offset(row))) });
  });

  router.on("GET", "/api/v1/uploads/:upload", (exchange) => {
    const row = find(exchange);
    sendJson(exchange.response, 200, { upload: views.upload(row, uploads.offset(row)) });
  });

  router.on("GET", "/api/v1/uploads/:upload/file", (exchange) => {
    const row = find(exchange);
    if (row.state !== "complete") throw new ApiError(404, { code: "upload.unknown", message: `this upload is ${row.state}` });
    return sendUpload(exchange, row, {});
  });

  router.on("GET", "/api/v1/devices/:device/screenshot", (exchange) => {
    const newest = views.newestScreenshot(deviceOf(parts, exchange).id);
    if (newest === undefined)
      throw new ApiError(404, { code: "screenshot.none", message: "there is no picture of this device yet" });
    return sendUpload(exchange, newest, { "x-taken-ms": String(newest.completedMs ?? newest.createdMs) });
  });

  function find(exchange: Exchange): UploadRow {
    const row = store.upload(exchange.params["upload"] ?? "");
    if (row === undefined) throw apiError({ code: "upload.unknown", message: "there is no such upload" });
    return row;
  }

  async function sendUpload(
    { request, response, query }: Exchange,
    row: UploadRow,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const etag = `"${row.sha256}"`;
    const inline = INLINE_TYPES.has(row.contentType) && query.get("download") !== "1";
    const common = {
      etag,
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      ...headers,
    };
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, common);
      response.end();
      return;
    }
    response.writeHead(200, {
      ...common,
      "content-type": INLINE_TYPES.has(row.contentType) ? row.contentType : "application/octet-stream",
      "content-length": row.bytes,
      "content-disposition": `${inline ? "inline" : "attachment"}; filename="${row.name.replace(/[^A-Za-z0-9._-]/g, "_")}"`,
    });
    if (request.method === "HEAD") response.end();
    else {
      await pipeline(uploads.read(row), response).catch(() => {
        // The client disconnected, or the file was just pruned; content-length shows the client that it is incomplete.
        response.destroy();
      });
    }
  }
}
