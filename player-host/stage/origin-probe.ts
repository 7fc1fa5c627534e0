import type { Issue } from "../../platform/ports/result.ts";

/** Asks whether the content's own origin answers, from the host and not from the page. */
export interface OriginProbe {
  /** Never rejects. */
  ask(url: string, signal: AbortSignal): Promise<ProbeAnswer>;
}

export type ProbeAnswer =
  /** `remark`: what a browser may not like about it (`tls.…`, `http.…`, `content.…`), for the message should its load fail. */
  | { readonly kind: "answers"; readonly remark?: Issue }
  /** Nobody answers, or a server that says it cannot (`net.…`, `http.…`, `content.bad-address`). */
  | { readonly kind: "away"; readonly error: Issue };
