import type { Limits, Owner, Welcome } from "../../../agent/protocol/cloud-messages.ts";
import type { Hello } from "../../../agent/protocol/device-messages.ts";
import { STREAMS } from "../../../agent/protocol/records.ts";
import type { WANTS } from "../../../agent/protocol/unknown-words.ts";
import { ownerKeyPayload, signedBytes } from "../../../agent/protocol/signed.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { useClaimToken } from "./claim-tokens.ts";
import type { DeviceRow } from "./cloud-store.ts";
import type { CloudContext } from "./context.ts";
import type { DesiredState } from "./desired-state.ts";

/** Protects the development cloud against being flooded with new devices. */
const DEVICES_MAX = 10_000;

export interface Admission {
  readonly row: DeviceRow;
  readonly welcome: Welcome;
  /** Claimed by this hello, through `--auto-claim` or a claim token. */
  readonly claimedNow: boolean;
  /** The device still holds our key although it was released; the release must be sent again. */
  readonly tellReleased: boolean;
}

/**
 * Decides on a verified hello: checks the epoch, settles ownership and builds the welcome. Call inside a transaction.
 * Codes: `refused.epoch` (a session of this device with this or a higher epoch is open), `refused.full` (too many devices).
 */
export function admit(
  context: CloudContext,
  desired: DesiredState,
  session: { readonly id: string; readonly remote: string },
  hello: Hello,
): Result<Admission> {
  const { store, clock, log } = context;
  const nowMs = clock.wallMs();
  const before = store.device(hello.deviceId);
  if (before === undefined && store.devices().length >= DEVICES_MAX)
    return fail("refused.full", `this cloud holds at most ${DEVICES_MAX} devices`);
  const lastEpoch = before?.link.epoch;
  if (lastEpoch !== undefined && hello.epoch <= lastEpoch) {
    if (before?.link.state === "online")
      return fail("refused.epoch", `a session with epoch ${lastEpoch} is open; ${hello.epoch} is not newer`);
    log.warn(
      { device: hello.deviceId, epoch: hello.epoch, lastEpoch },
      "the device's epoch went back: its state was restored or lost",
    );
  }
  const known = before ?? newDevice(hello, nowMs);
  const owned = settleOwner(context, known, hello, nowMs);
  const row: DeviceRow = {
    ...owned.row,
    lastSeenMs: nowMs,
    link: {
      state: "online",
      sinceMs: nowMs,
      session: session.id,
      epoch: hello.epoch,
      bootId: hello.bootId,
      remote: session.remote,
    },
    agent: hello.agent,
    clock: { quality: hello.clock.quality, offsetMs: hello.clock.wallMs - nowMs },
    // A cloud that lost its counters continues above the device's highest number.
    number: Math.max(known.number, hello.numberHigh ?? 0),
    desiredFloor: Math.max(known.desiredFloor, hello.desiredVersion),
  };
  store.putDevice(row);
  if (owned.claimedNow) giveDefaultDesired(context, desired, row.id);
  return ok({
    row,
    welcome: welcomeFor(context, row, hello, session.id),
    claimedNow: owned.claimedNow,
    tellReleased: owned.tellReleased,
  });
}

/** Writes the default desired state on the first claim. A device that already has a desired document keeps it. */
export function giveDefaultDesired(context: CloudContext, desired: DesiredState, device: string): void {
  if (context.store.document(device, "desired") !== undefined) return;
  const document = context.settings.defaultDesired(device);
  if (document !== undefined) desired.write(device, document as JsonObject);
}

/** The cloud's limits, overridden by those set for this device. */
export function limitsOf(context: CloudContext, device: string): Limits {
  return { ...context.settings.limits, ...context.store.document(device, "limits")?.document };
}

/** The owner as sent in `welcome` and `owner`. {@link endorsed} adds the endorsement, where one is needed, on sending. */
export function ownerOf(context: CloudContext, row: DeviceRow): Owner {
  if (row.owner === undefined) return { kind: "unclaimed" };
  return { kind: "claimed", name: context.signer.name, commandKey: context.signer.current().publicKey };
}

/** Adds an endorsement of our current key for a device that still holds an older one (`holds`, a fingerprint). */
export async function endorsed(context: CloudContext, row: DeviceRow, owner: Owner, holds: string | undefined): Promise<Owner> {
  const { signer } = context;
  const current = signer.current();
  if (owner.kind !== "claimed" || holds === undefined || holds === current.fingerprint) return owner;
  if (row.endorsement?.by === holds) return { ...owner, endorsement: row.endorsement };
  const old = signer.find(holds);
  if (old === undefined) return owner;
  const signature = await old.sign(signedBytes("owner-key", ownerKeyPayload(row.id, current.publicKey)));
  return { ...owner, endorsement: { by: old.fingerprint, signature: toBase64Url(signature) } };
}

function newDevice(hello: Hello, nowMs: number): DeviceRow {
  return {
    id: hello.deviceId,
    publicKey: hello.publicKey,
    createdMs: nowMs,
    lastSeenMs: nowMs,
    link: { state: "never", sinceMs: nowMs },
    number: 0,
    desiredFloor: 0,
  };
}

function settleOwner(
  context: CloudContext,
  row: DeviceRow,
  hello: Hello,
  nowMs: number,
): { readonly row: DeviceRow; readonly claimedNow: boolean; readonly tellReleased: boolean } {
  const { signer, settings } = context;
  const { foreignOwner: _foreign, released: _released, ...rest } = row;
  const ours = { key: signer.current().fingerprint, sinceMs: rest.owner?.sinceMs ?? nowMs };
  if (hello.owner === undefined) {
    const claimedNow = rest.owner === undefined && (settings.autoClaim || claimedByToken(context, hello));
    return { row: claimedNow || rest.owner !== undefined ? { ...rest, owner: ours } : rest, claimedNow, tellReleased: false };
  }
  if (signer.find(hello.owner) !== undefined) {
    if (isReleased(row)) return { row: { ...rest, released: true }, claimedNow: false, tellReleased: true };
    // Holding our key is proof enough of ownership, even when the cloud lost its list of devices.
    return { row: { ...rest, owner: ours }, claimedNow: false, tellReleased: false };
  }
  if (rest.endorsement?.by === hello.owner)
    return { row: { ...rest, owner: ours }, claimedNow: rest.owner === undefined, tellReleased: false };
  const { owner: _owner, ...unowned } = rest;
  return { row: { ...unowned, foreignOwner: hello.owner }, claimedNow: false, tellReleased: false };
}

function claimedByToken(context: CloudContext, { deviceId, claimToken }: Hello): boolean {
  if (claimToken === undefined) return false;
  const used = useClaimToken(context, claimToken);
  if (!used.ok) context.log.warn({ device: deviceId, ...used.error }, "the device's claim token was not accepted");
  return used.ok;
}

/** Released and not claimed since. */
function isReleased(row: DeviceRow): boolean {
  return row.released === true && row.owner === undefined;
}

function welcomeFor(context: CloudContext, row: DeviceRow, hello: Hello, session: string): Welcome {
  const { store, clock, misbehaviours } = context;
  const bad = misbehaviours.of(row.id);
  const stored = Object.fromEntries(
    STREAMS.map((stream) => [stream, bad.storedGoesBack === true ? 0 : store.position(row.id, hello.log, stream).upTo]),
  );
  const desiredVersion = row.owner === undefined ? 0 : (store.document(row.id, "desired")?.version ?? 0);
  const reportedVersion = store.document(row.id, "reported")?.version ?? 0;
  const wants: (typeof WANTS)[number][] = [];
  if (store.document(row.id, "profile")?.document["hash"] !== hello.profileHash) wants.push("profile");
  if (reportedVersion === 0 || reportedVersion !== hello.reportedVersion) wants.push("reported");
  return {
    t: "welcome",
    session,
    serverMs: clock.wallMs(),
    owner: isReleased(row) ? claimedOwner(context) : ownerOf(context, row),
    stored,
    desiredVersion: bad.desiredGoesBack === true ? Math.max(0, desiredVersion - 1) : desiredVersion,
    reportedVersion,
    wants,
    limits: limitsOf(context, row.id),
  };
}

/** A released device that has not heard of its release is welcomed as still claimed; the release follows. */
function claimedOwner(context: CloudContext): Owner {
  return { kind: "claimed", name: context.signer.name, commandKey: context.signer.current().publicKey };
}
