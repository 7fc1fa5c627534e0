import type { CustomScheme } from "electron";
import { PACKAGE_SCHEME, SCHEME_ORIGINS, SCREEN_SCHEME } from "../../stage/navigation-rules.ts";
import type { LoadTarget } from "../../stage/shell.ts";
import type { ServedHere } from "../cdp/fetch-guard.ts";
import { answerFromPackage } from "../../host/package-files.ts";

/** Must be registered before Electron is ready. Standard and secure, so that each host is an origin as with https. */
export const OWN_SCHEMES: CustomScheme[] = [
  { scheme: PACKAGE_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, allowServiceWorkers: false, codeCache: true } },
  { scheme: SCREEN_SCHEME, privileges: { standard: true, secure: true } },
];

/** Serves a request to one of our schemes if it belongs to one of `targets` (on screen or loading); otherwise answers 403. */
export async function answerOwn(
  request: { readonly url: string; readonly method: string; readonly headers: { get(name: string): string | null } },
  targets: readonly LoadTarget[],
  { screens, folders }: ServedHere,
): Promise<Response> {
  const { protocol, host } = new URL(request.url);
  const origin = `${protocol}//${host}`;
  const target = targets.find((one) => one.kind !== "url" && originOf(one) === origin);
  if (target?.kind === "screen") {
    const { html, csp } = screens(target.screen);
    const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": csp, "x-content-type-options": "nosniff", "cache-control": "no-store" };
    return new Response(html, { status: 200, headers });
  }
  if (target?.kind === "package") {
    const { url, method } = request;
    const serviceWorker = request.headers.get("service-worker") === "script";
    const { status, headers, body } = await answerFromPackage(folders, target, { url, method, range: request.headers.get("range") ?? undefined, serviceWorker });
    return new Response(Buffer.from(body.buffer, body.byteOffset, body.byteLength), { status, headers });
  }
  return new Response("not on the stage", { status: 403, headers: { "content-type": "text/plain; charset=utf-8", "content-security-policy": "default-src 'none'" } });
}

function originOf(target: Exclude<LoadTarget, { kind: "url" }>): string {
  return target.kind === "screen" ? SCHEME_ORIGINS.screen : SCHEME_ORIGINS.package(target.id);
}
