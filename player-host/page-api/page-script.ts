import { installPageApi } from "./page-api.dom.ts";

/** What only the host and the script in the main frame know. */
export interface PageSecrets {
  /** Name of the function the browser puts into every frame. */
  readonly binding: string;
  /** Comes before every call. */
  readonly token: string;
}

/** Where the page's side listens: a property that is not enumerable and cannot be replaced. */
export const HOST_SYMBOL = "vitrine.host";

/**
 * The page API as one script for a browser that is driven from outside. It runs in every frame before the
 * frame's own code: everywhere it takes the binding away, and in the main frame it builds the API on it. An
 * embedded frame is somebody else, so it gets neither API nor token.
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
