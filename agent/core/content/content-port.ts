import type { Content } from "../../protocol/content.ts";
import type { StageContent } from "../../../player-host/contract/link-messages.ts";
import type { Result } from "../../../platform/ports/result.ts";

/**
 * Turns wanted content into something the host can show. A package is downloaded (with ranges and resume), checked
 * against its hash, unpacked to a folder named after the hash, and checked file by file against its manifest. One already
 * on disk is checked and used without the network. Errors: `content.unreachable`, `content.hash-mismatch`,
 * `content.bad-package`, `content.bad-manifest`, `content.disk`.
 */
export interface ContentProvider {
  prepare(content: Content, signal: AbortSignal): Promise<Result<StageContent>>;
}
