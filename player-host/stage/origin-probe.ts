import type { Issue } from "../../platform/ports/result.ts";

/** Checks from the host, not from the page, whether the content's origin answers. */
export interface OriginProbe {
  /** Never rejects. */
  ask(url: string, signal: AbortSignal): Promise<ProbeAnswer>;
}

export type ProbeAnswer =
  /** `remark`: a problem that the browser may hit too (`tls.…`, `http.…`, `content.…`), for the message if the load fails. */
  | { readonly kind: "answers"; readonly remark?: Issue }
  /** Nothing answers, or the server says that it cannot (`net.…`, `http.…`, `content.bad-address`). */
  | { readonly kind: "away"; readonly error: Issue };
