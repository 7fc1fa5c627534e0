import * as v from "valibot";
import type { CloudMessageOf, Owner } from "../../protocol/cloud-messages.ts";
import { validate } from "../../protocol/codec.ts";
import { ownerKeyPayload, signedBytes, type Signed } from "../../protocol/signed.ts";
import { FingerprintSchema, PositiveSchema, PublicKeySchema, TextSchema, WallMsSchema } from "../../protocol/values.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { fromBase64Url } from "../../../platform/runtime/encoding.ts";
import { parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import type { DocumentStore, StorageIssue } from "../storage/document-store.ts";
import { fingerprintOf, publicKeyOf } from "./identity.ts";

const OWNER_KEY = "owner";
/** Second copy: one damaged row must not make the device claimable by anybody. */
const OWNER_COPY = "owner.copy";
const RELEASES_KEY = "owner.releases";

export interface OwnerRecord {
  /** Display name. */
  readonly name: string;
  /** Raw Ed25519 public key, base64url: signs commands and desired state. */
  readonly commandKey: string;
  readonly fingerprint: string;
}

const OwnerRecordSchema = v.object({ name: TextSchema, commandKey: PublicKeySchema, fingerprint: FingerprintSchema });

/** Payload of a signed release. `number` is from the same sequence as the numbers of commands and cancels. */
export const ReleasePayloadSchema = v.object({ device: FingerprintSchema, number: PositiveSchema, issuedMs: WallMsSchema });

export type OwnerChange =
  /** `key-changed`: the owner has a new key. `renamed`: only the display name changed. */
  | { readonly kind: "claimed" | "key-changed" | "renamed"; readonly owner: OwnerRecord }
  | { readonly kind: "released"; readonly by: OwnerRecord };

/** The decision on a cloud's statement about the owner. */
export type OwnerDecision =
  | { readonly kind: "keep" }
  | { readonly kind: "change"; readonly change: OwnerChange; readonly documents: Readonly<Record<string, JsonObject | null>> };

export interface OwnershipDeps {
  readonly documents: DocumentStore;
  readonly crypto: Crypto;
  readonly deviceId: string;
  readonly log: Log;
  /** The only key that may claim this device, from the provisioning file; base64url. */
  readonly expectedKey?: string;
  /** Highest known number of this owner's commands and cancels; a release must have a higher one. */
  highestNumber?(owner: string): Promise<Result<number, StorageIssue>>;
}

/**
 * The device's owner, kept in the document store. The device trusts the first owner a cloud names. After that, a new key or
 * a release must be signed by the current owner's key.
 */
export class Ownership {
  /** Why the stored owner cannot be read, for an alarm. */
  readonly damage: Issue | undefined;
  readonly #deps: OwnershipDeps;
  readonly #changed: Emitter<OwnerChange>;
  #owner: OwnerRecord | undefined;
  readonly #changes = new OneAtATime();

  private constructor(deps: OwnershipDeps, owner: OwnerRecord | undefined, damage: Issue | undefined) {
    this.#deps = deps;
    this.#owner = owner;
    this.damage = damage;
    this.#changed = Emitter.logged(deps.log, "the owner");
  }

  /** Loads the stored owner. If no copy is good and one is damaged, there is no owner and `damage` is set. */
  static async load(deps: OwnershipDeps): Promise<Ownership> {
    let damage: Issue | undefined;
    for (const key of [OWNER_KEY, OWNER_COPY]) {
      const stored = await readOwner(deps, key);
      if (stored.ok && stored.value !== undefined) return new Ownership(deps, stored.value, undefined);
      if (!stored.ok) damage = stored.error;
    }
    if (damage !== undefined) deps.log.error({ error: damage.message }, "the stored owner is lost");
    return new Ownership(deps, undefined, damage);
  }

  owner(): OwnerRecord | undefined {
    return this.#owner;
  }

  /** Highest known number of the owner's commands, cancels and releases; `undefined` without an owner or on a disk error. */
  async numberHigh(): Promise<number | undefined> {
    const present = this.#owner;
    if (present === undefined) return undefined;
    const cannot = (why: string): undefined => {
      this.#deps.log.warn({ error: why }, "the owner's highest number cannot be read");
    };
    const used = await this.#deps.documents.get(RELEASES_KEY);
    if (!used.ok) return cannot(used.error.message);
    const high = await this.#numberHighOf(present.fingerprint, used.value);
    return high.ok ? high.value : cannot(high.error.message);
  }

  async #numberHighOf(owner: string, used: JsonObject | undefined): Promise<Result<number, StorageIssue>> {
    const highest = (await this.#deps.highestNumber?.(owner)) ?? ok(0);
    return highest.ok ? ok(Math.max(0, numberIn(used, owner), highest.value)) : highest;
  }

  /** Calls back after every change, once it is on disk. Returns a function that unsubscribes. */
  onChange(listener: (change: OwnerChange) => void): () => void {
    return this.#changed.on(listener);
  }

  /**
   * Accepts a cloud's statement about the owner if the device's rules allow it. Errors: `owner.key-mismatch`,
   * `owner.endorsement-invalid`, `owner.release-unsigned`, `owner.release-invalid`, `owner.release-replayed`,
   * `owner.release-unchecked`, `owner.damaged`, `owner.not-stored`.
   */
  accept(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">): Promise<Result<void>> {
    return this.#changes.run(async () => {
      const decision = await this.decide(owner, message);
      return decision.ok ? this.#store(decision.value) : decision;
    });
  }

  /** Decides without storing, for a caller that writes the change together with others (see `commit`). */
  async decide(owner: Owner, message: CloudMessageOf<"welcome"> | CloudMessageOf<"owner">): Promise<Result<OwnerDecision>> {
    if (owner.kind === "claimed") return this.#decideClaim(owner);
    const present = this.#owner;
    if (present === undefined || owner.kind === "unknown") return ok({ kind: "keep" });
    const release = message.t === "owner" ? message.release : undefined;
    if (release !== undefined) return this.#decideRelease(present, release);
    if (message.t === "owner") return fail("owner.release-unsigned", "the cloud says the device is released, but the owner did not sign that");
    // For example a cloud restored from a backup older than the claim. The owner stays; the device's hello names it.
    this.#deps.log.warn({ owner: present.fingerprint }, "the cloud does not know whose device this is");
    return ok({ kind: "keep" });
  }

  /** Stores a decision together with `others`, atomically. Error: `owner.not-stored`. */
  commit(decision: OwnerDecision, others: Readonly<Record<string, JsonObject | null>>): Promise<Result<void>> {
    return this.#changes.run(() => this.#store(decision, others));
  }

  async #store(decision: OwnerDecision, others: Readonly<Record<string, JsonObject | null>> = {}): Promise<Result<void>> {
    const documents = decision.kind === "keep" ? others : { ...others, ...decision.documents };
    if (Object.keys(documents).length === 0) return ok(undefined);
    const put = await this.#deps.documents.put(documents);
    // An owner only in memory would be lost in a power cut, and anybody could then claim the device.
    if (!put.ok) return fail("owner.not-stored", `the owner could not be stored: ${put.error.message}`);
    if (decision.kind === "keep") return ok(undefined);
    this.#owner = decision.change.kind === "released" ? undefined : decision.change.owner;
    this.#deps.log.info({ change: decision.change.kind, owner: this.#owner?.fingerprint }, "the owner changed");
    this.#changed.emit(decision.change);
    return ok(undefined);
  }

  async #decideClaim(owner: Extract<Owner, { kind: "claimed" }>): Promise<Result<OwnerDecision>> {
    const { crypto, deviceId, expectedKey } = this.#deps;
    const key = publicKeyOf(owner.commandKey);
    if (key === undefined) return fail("owner.key-mismatch", "the owner's command key is not an Ed25519 public key");
    const fingerprint = await fingerprintOf(crypto, key);
    const record: OwnerRecord = { name: owner.name, commandKey: owner.commandKey, fingerprint };
    const present = this.#owner;
    if (present === undefined) {
      if (expectedKey !== undefined && expectedKey !== owner.commandKey) {
        return fail("owner.key-mismatch", "the device was provisioned for an owner with another command key");
      }
      return ok(change("claimed", record));
    }
    if (present.commandKey === owner.commandKey) return ok(present.name === owner.name ? { kind: "keep" } : change("renamed", record));
    if (owner.endorsement === undefined) {
      return fail("owner.key-mismatch", `the device belongs to the owner with key ${present.fingerprint}; the cloud names key ${fingerprint}`);
    }
    const signature = fromBase64Url(owner.endorsement.signature);
    const presentKey = publicKeyOf(present.commandKey);
    const payload = signedBytes("owner-key", ownerKeyPayload(deviceId, owner.commandKey));
    const endorsed =
      signature !== undefined &&
      presentKey !== undefined &&
      owner.endorsement.by === present.fingerprint &&
      (await crypto.verifyEd25519(presentKey, payload, signature));
    if (!endorsed) return fail("owner.endorsement-invalid", `the new key ${fingerprint} is not endorsed by the present key ${present.fingerprint}`);
    return ok(change("key-changed", record));
  }

  async #decideRelease(present: OwnerRecord, release: Signed): Promise<Result<OwnerDecision>> {
    const { crypto, deviceId, documents } = this.#deps;
    const key = publicKeyOf(present.commandKey);
    const signature = fromBase64Url(release.signature);
    const signed = key !== undefined && signature !== undefined && (await crypto.verifyEd25519(key, signedBytes("release", release.payload), signature));
    if (!signed) return fail("owner.release-invalid", "the release is not signed by the owner's key");
    const payload = validate(ReleasePayloadSchema, parseJson(release.payload), "the release", "owner.release-invalid");
    if (!payload.ok) return payload;
    if (payload.value.device !== deviceId) return fail("owner.release-invalid", `the release is for device ${payload.value.device}`);
    const used = await readDocument(documents, RELEASES_KEY);
    if (!used.ok) return used;
    const before = await this.#numberHighOf(present.fingerprint, used.value);
    if (!before.ok) return fail("owner.release-unchecked", `which numbers were used before the release is not known: ${before.error.message}`, "Send it again later.");
    // Prevents the replay of an old release after a new claim.
    if (payload.value.number <= before.value) return fail("owner.release-replayed", `the release has number ${payload.value.number}; number ${before.value} was used already`);
    const releases = { ...used.value, [present.fingerprint]: payload.value.number };
    return ok({ kind: "change", change: { kind: "released", by: present }, documents: { [OWNER_KEY]: null, [OWNER_COPY]: null, [RELEASES_KEY]: releases } });
  }
}

function change(kind: "claimed" | "key-changed" | "renamed", owner: OwnerRecord): OwnerDecision {
  return { kind: "change", change: { kind, owner }, documents: { [OWNER_KEY]: { ...owner }, [OWNER_COPY]: { ...owner } } };
}

async function readOwner(deps: OwnershipDeps, key: string): Promise<Result<OwnerRecord | undefined>> {
  const stored = await readDocument(deps.documents, key);
  if (!stored.ok || stored.value === undefined) return stored.ok ? ok(undefined) : stored;
  const record = validate(OwnerRecordSchema, stored.value, "the stored owner", "owner.damaged");
  if (!record.ok) return record;
  const publicKey = publicKeyOf(record.value.commandKey);
  const fits = publicKey !== undefined && (await fingerprintOf(deps.crypto, publicKey)) === record.value.fingerprint;
  return fits ? record : fail("owner.damaged", "the stored owner's key does not have the stored fingerprint");
}

async function readDocument(documents: DocumentStore, key: string): Promise<Result<JsonObject | undefined>> {
  const found = await documents.get(key);
  return found.ok ? found : fail("owner.damaged", found.error.message);
}

function numberIn(document: JsonObject | undefined, key: string): number {
  const value = document?.[key];
  return typeof value === "number" ? value : -1;
}
