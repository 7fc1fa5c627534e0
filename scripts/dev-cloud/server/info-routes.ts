import { PROTOCOL_VERSION } from "../../../agent/protocol/limits.ts";
import { claimTokenStatuses } from "../sessions/claim-tokens.ts";
import { sendJson, type Exchange } from "./exchange.ts";
import type { Router } from "./router.ts";
import type { ServerParts } from "./server-parts.ts";
import { findFile, sendFile } from "./static-files.ts";
import { ApiError } from "./api-error.ts";

export function infoRoutes(router: Router, parts: ServerParts): void {
  const { cloud, sample } = parts;

  router.on("GET", "/api/v1/info", ({ response }) => {
    const { store, live, clock, signer, settings, counters } = cloud.context;
    const current = signer.current();
    const kept = store.counters();
    const pruned = Object.fromEntries(
      Object.entries(kept)
        .filter(([name]) => name.startsWith("pruned."))
        .map(([name, count]) => [name.slice("pruned.".length), count]),
    );
    sendJson(response, 200, {
      name: "vitrine-dev-cloud",
      purpose: "development and tests",
      version: parts.version,
      protocol: PROTOCOL_VERSION,
      serverMs: clock.wallMs(),
      startedMs: parts.startedMs,
      deviceEndpoint: `${parts.base().replace(/^http/, "ws")}/device/v1`,
      autoClaim: settings.autoClaim,
      owner: { name: signer.name, key: current.fingerprint, publicKey: current.publicKey },
      claimTokens: claimTokenStatuses(cloud.context),
      sample: sample.info(parts.base(), parts.sampleOrigin()),
      counters: { devices: store.devices().length, online: live.size, ...counters, eventClients: parts.events.size, pruned },
      caps: { ...settings.caps, uploadsBytesMax: parts.uploadsBytesMax },
    });
  });

  router.on("GET", "/api/v1/events", (exchange) => parts.events.connect(exchange, parts.startedMs));
}

/** Serves paths without a route: the sample package and the dashboard's built files. */
export function staticFallback(parts: ServerParts, dashboard: string | undefined): (exchange: Exchange) => Promise<void> {
  return async ({ request, response, path }) => {
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new ApiError(405, { code: "request.method", message: "only GET and HEAD here" }, { headers: { allow: "GET, HEAD" } });
    const { sample } = parts;
    if (path === "/sample" || path.startsWith("/sample/")) {
      // The sample has its own origin, but devices may still hold this older address.
      response.writeHead(307, { location: parts.sampleOrigin() + (path.slice("/sample".length) || "/") }).end();
      return;
    }
    if (path === "/sample.zip") {
      if (sample.zip === undefined) throw new ApiError(404, { code: "sample.none", message: "there is no sample package" });
      await sendFile(request, response, sample.zip, { "access-control-allow-origin": "*" });
      return;
    }
    const found =
      dashboard === undefined
        ? undefined
        : ((await findFile(dashboard, path.slice(1))) ??
          (/\.[a-z0-9]+$/i.test(path) ? undefined : await findFile(dashboard, "index.html")));
    if (found === undefined)
      throw new ApiError(404, {
        code: "request.no-such-path",
        message: `there is no ${path.slice(0, 200)}`,
        hint: "npm run build builds the dashboard; /api/v1/info describes this server",
      });
    await sendFile(request, response, found, DASHBOARD_HEADERS);
  };
}

const DASHBOARD_HEADERS = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
