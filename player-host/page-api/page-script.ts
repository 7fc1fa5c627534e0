import { installPageApi } from "./page-api.dom.ts";

/** Secrets shared by the host and the script in the main frame. */
export interface PageSecrets {
  /** Name of the function that the browser adds to every frame. */
  readonly binding: string;
  /** Prefix of every call. */
  readonly token: string;
}

/** Key of the property on which the page's side listens; it is not enumerable and cannot be replaced. */
export const HOST_SYMBOL = "vitrine.host";

/**
 * The page API as one script for a browser that is driven from outside. It runs in every frame before the
 * frame's own code. It removes the binding in every frame, and in the main frame builds the API on it. Embedded
 * frames may be third-party, so they get neither API nor token.
 */
export function pageScript({ binding, token }: PageSecrets): string {
  return `(() => {
  "use strict";
  const call = globalThis[${JSON.stringify(binding)}];
  delete globalThis[${JSON.stringify(binding)}];
  if (globalThis.top !== globalThis.self || typeof call !== "function") return;
  (${installPageApi.toString()})((receive) => {
    Object.defineProperty(globalThis, Symbol.for(${JSON.stringify(HOST_SYMBOL)}), { value: receive });
    return (text) => call(${JSON.stringify(token)} + text);
  });
})();`;
}
