import type { Network } from "../../protocol/network-settings.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { toHex, utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, type Json } from "../../../platform/runtime/json.ts";
import { readDocument } from "../storage/read-document.ts";
import type { NetworkChangeDeps } from "./network-change-deps.ts";
import { networkDocumentOf, readNetworkDocument, type NetworkChangeState, type NetworkDocument } from "./network-change-state.ts";

const KEY = "network.change";
/** Second copy: one damaged row must not lose the way back in the middle of a trial. */
const COPY = "network.change.copy";
const SALT_BYTES = 16;

type RecordDeps = Pick<NetworkChangeDeps, "documents" | "crypto" | "random" | "log" | "proxy">;

/** The network change on disk: two copies, and the salt of the digests that identify settings. */
export class NetworkRecord {
  readonly #deps: RecordDeps;
  readonly #salt: string;
  /** The document found at the start. */
  readonly found: NetworkDocument | undefined;
  /** Digest of the configured proxy. */
  readonly configured: string;

  private constructor(deps: RecordDeps, salt: string, found: NetworkDocument | undefined, configured: string) {
    this.#deps = deps;
    this.#salt = salt;
    this.found = found;
    this.configured = configured;
  }

  static async read(deps: RecordDeps): Promise<NetworkRecord> {
    const found = await readCopies(deps.documents, deps.log);
    const salt = found?.salt ?? toHex(deps.random.bytes(SALT_BYTES));
    return new NetworkRecord(deps, salt, found, await digest(deps, salt, deps.proxy?.configured ?? null));
  }

  digestOf(wanted: Network | { readonly renew: Readonly<Record<string, string>> }): Promise<string> {
    return digest(this.#deps, this.#salt, wanted);
  }

  /** Returns why the write failed; `undefined` when it succeeded. */
  async write(state: NetworkChangeState): Promise<Issue | undefined> {
    const document = networkDocumentOf(state, { salt: this.#salt, configured: this.configured });
    const put = await this.#deps.documents.put({ [KEY]: document, [COPY]: document });
    // A change that cannot be recorded is not begun; one whose end cannot be recorded is over all the same.
    return put.ok ? undefined : { code: "network.not-stored", message: put.error.message };
  }
}

async function digest({ crypto }: RecordDeps, salt: string, value: Json): Promise<string> {
  return toHex(await crypto.sha256(utf8(`${salt}\n${canonicalJson(value)}`)));
}

async function readCopies(documents: NetworkChangeDeps["documents"], log: Log): Promise<NetworkDocument | undefined> {
  for (const key of [KEY, COPY]) {
    const document = readNetworkDocument(await readDocument(documents, key, log));
    if (document !== undefined) return document;
  }
  return undefined;
}
