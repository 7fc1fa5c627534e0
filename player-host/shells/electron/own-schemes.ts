import type { CustomScheme } from "electron";
import { PACKAGE_SCHEME, SCHEME_ORIGINS, SCREEN_SCHEME } from "../../stage/navigation-rules.ts";
import type { LoadTarget, ScreenModel } from "../../stage/shell.ts";
import type { ScreenDocument } from "../chromium/fetch-guard.ts";
import { answerFromPackage } from "../common/package-files.ts";

/** Must be registered before Electron is ready: standard and secure, so that each host is an origin like https. */
export const OWN_SCHEMES: CustomScheme[] = [
  { scheme: PACKAGE_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, allowServiceWorkers: true, codeCache: true } },
  { scheme: SCREEN_SCHEME, privileges: { standard: true, secure: true } },
];

/** Serves a request to one of our schemes for what is on the stage, and refuses everything else. */
export async function answerOwn(
  request: { readonly url: string; readonly method: string; readonly headers: { get(name: string): string | null } },
  target: LoadTarget | undefined,
  screens: (screen: ScreenModel) => ScreenDocument,
): Promise<Response> {
  const { protocol, host } = new URL(request.url);
  const origin = `${protocol}//${host}`;
  if (target?.kind === "screen" && origin === SCHEME_ORIGINS.screen) {
    const { html, csp } = screens(target.screen);
    const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": csp, "x-content-type-options": "nosniff", "cache-control": "no-store" };
    return new Response(html, { status: 200, headers });
  }
  if (target?.kind === "package" && origin === SCHEME_ORIGINS.package(target.id)) {
    const { url, method } = request;
    const { status, headers, body } = await answerFromPackage(target, { url, method, range: request.headers.get("range") ?? undefined });
    return new Response(Buffer.from(body.buffer, body.byteOffset, body.byteLength), { status, headers });
  }
  return new Response("not on the stage", { status: 403 });
}
