import type { Owner } from "../../../agent/protocol/cloud-messages.ts";
import { ownerKeyPayload, signedBytes, type Signed } from "../../../agent/protocol/signed.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import { fail, messageOf, ok, type Result } from "../../tool-result.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import { endorsed, giveDefaultDesired, ownerOf } from "./admission.ts";
import type { DeviceRow } from "./cloud-store.ts";
import type { Commands } from "./commands.ts";
import { updateDevice, type CloudContext } from "./context.ts";
import type { DesiredState } from "./desired-state.ts";
import type { LiveSession } from "./live-sessions.ts";
import { Pairing, PAIRING_RENEW_BEFORE_MS } from "./pairing.ts";
import type { OwnerKey } from "./owner-signer.ts";

/** Pairing, claim, release and rotation of the owner's key. */
export class Ownership {
  readonly pairing: Pairing;
  readonly #context: CloudContext;
  readonly #desired: DesiredState;
  readonly #commands: Commands;
  readonly #renewals = new Map<string, { readonly session: string; readonly timer: Timer }>();

  constructor(context: CloudContext, desired: DesiredState, commands: Commands) {
    this.#context = context;
    this.#desired = desired;
    this.#commands = commands;
    this.pairing = new Pairing(context.random);
  }

  /** Sends a pairing code now and renews it before it expires, until the device is claimed or the session ends. */
  startPairing(device: string, session: LiveSession): void {
    const { clock, timers, settings, emit } = this.#context;
    const nowMs = clock.wallMs();
    const { code, expiresMs } = this.pairing.codeFor(device, nowMs);
    session.send({ t: "pairing", code, expiresInMs: expiresMs - nowMs, claimUrl: `${settings.httpBase}/claim?code=${code}` });
    const timer = timers.after("cloud.pairing.renew", Math.max(1_000, expiresMs - nowMs - PAIRING_RENEW_BEFORE_MS), () =>
      this.startPairing(device, session),
    );
    this.#renewals.get(device)?.timer.cancel();
    this.#renewals.set(device, { session: session.id, timer });
    emit({ t: "device", device });
  }

  /** Stops the renewals when the given session started them. */
  stopPairing(device: string, session: string): void {
    const renewal = this.#renewals.get(device);
    if (renewal === undefined || renewal.session !== session) return;
    renewal.timer.cancel();
    this.#renewals.delete(device);
  }

  /** Claims a device by its code. Codes: those of `Pairing.find`; `device.claimed`, `device.owned-elsewhere`, `device.unknown`. */
  async claim(typed: string, name?: string): Promise<Result<DeviceRow>> {
    const { store, clock, signer, live, log } = this.#context;
    const found = this.pairing.find(typed, clock.wallMs());
    if (!found.ok) return found;
    const before = store.device(found.value);
    if (before === undefined) return fail("device.unknown", "the device with this code was forgotten");
    if (before.owner !== undefined) return fail("device.claimed", "the device is already claimed");
    if (before.foreignOwner !== undefined) {
      return fail(
        "device.owned-elsewhere",
        "the device holds the key of another owner",
        "release it there first, or reset the device to factory state",
      );
    }
    const row = store.transaction(() => {
      const claimed = updateDevice(store, before.id, ({ released: _released, ...device }) => ({
        ...device,
        owner: { key: signer.current().fingerprint, sinceMs: clock.wallMs() },
        ...(name === undefined ? {} : { name }),
      }));
      giveDefaultDesired(this.#context, this.#desired, before.id);
      return claimed;
    });
    if (row === undefined) return fail("device.unknown", "the device with this code was forgotten");
    log.info({ device: row.id }, "claimed");
    this.#endPairing(row.id);
    await this.#tellOwner(row, live.get(row.id), undefined);
    this.#desired.push(row.id);
    this.#context.emit({ t: "device", device: row.id });
    return ok(row);
  }

  /** Gives up ownership. Codes: `device.unclaimed`, `device.offline`, `device.unknown`. */
  release(device: DeviceRow): Result<DeviceRow> {
    const { store, live, log } = this.#context;
    if (device.owner === undefined) return fail("device.unclaimed", "the device is not claimed");
    const session = live.get(device.id);
    if (session === undefined)
      return fail("device.offline", "the device is not connected, so it cannot be told of its release", "try again when it is online");
    this.#commands.closeAll(device.id, "the device was released");
    const row = store.transaction(() => {
      const released = updateDevice(store, device.id, ({ owner: _owner, ...rest }) => ({ ...rest, released: true }));
      store.removeDocument(device.id, "desired");
      return released;
    });
    log.info({ device: device.id }, "released");
    this.sendRelease(device.id, session);
    this.#context.emit({ t: "device", device: device.id });
    return row === undefined ? fail("device.unknown", "the device was forgotten") : ok(row);
  }

  /** Sends a release signed with the key the device holds, then starts pairing. */
  sendRelease(device: string, session: LiveSession, holds?: string): void {
    this.#signRelease(device, holds).then(
      (release) => {
        session.send({ t: "owner", owner: { kind: "unclaimed" }, release });
        if (this.#context.live.get(device) === session) this.startPairing(device, session);
      },
      (thrown: unknown) => this.#context.log.error({ error: messageOf(thrown), device }, "signing a release failed"),
    );
  }

  /** Creates a new command key, endorsed by the old one. Online devices get it now, others with their next hello. */
  async rotateKey(): Promise<OwnerKey> {
    const { signer, store, live } = this.#context;
    const old = signer.current();
    const current = await signer.rotate();
    for (const before of store.devices()) {
      if (before.owner === undefined) continue;
      const row = store.transaction(() =>
        updateDevice(store, before.id, (device) => ({
          ...device,
          owner: { key: current.fingerprint, sinceMs: before.owner?.sinceMs ?? 0 },
        })),
      );
      if (row !== undefined) await this.#tellOwner(row, live.get(row.id), old.fingerprint);
    }
    return current;
  }

  /** Endorses another key, usually another cloud's, as owner of one device. `publicKey` is base64url. */
  async endorse(device: string, publicKey: string): Promise<{ readonly by: string; readonly signature: string }> {
    const key = this.#context.signer.current();
    const signature = await key.sign(signedBytes("owner-key", ownerKeyPayload(device, publicKey)));
    return { by: key.fingerprint, signature: toBase64Url(signature) };
  }

  /** Stores another cloud's endorsement of our key, for a device that will connect later or has another owner now. */
  adopt(device: string, publicKey: string, endorsement: { readonly by: string; readonly signature: string }): DeviceRow {
    const { store, clock } = this.#context;
    const nowMs = clock.wallMs();
    const before: DeviceRow = store.device(device) ?? {
      id: device,
      publicKey,
      createdMs: nowMs,
      lastSeenMs: nowMs,
      link: { state: "never", sinceMs: nowMs },
      number: 0,
      desiredFloor: 0,
    };
    const row = { ...before, endorsement };
    store.transaction(() => store.putDevice(row));
    return row;
  }

  stop(): void {
    for (const { timer } of this.#renewals.values()) timer.cancel();
    this.#renewals.clear();
  }

  /** Stops renewing the device's code and invalidates it. */
  #endPairing(device: string): void {
    this.#renewals.get(device)?.timer.cancel();
    this.#renewals.delete(device);
    this.pairing.forget(device);
  }

  forget(device: string): void {
    this.#endPairing(device);
  }

  async #tellOwner(row: DeviceRow, session: LiveSession | undefined, holds: string | undefined): Promise<void> {
    if (session === undefined) return;
    const owner: Owner = await endorsed(this.#context, row, ownerOf(this.#context, row), holds);
    session.send({ t: "owner", owner });
  }

  async #signRelease(device: string, holds?: string): Promise<Signed> {
    const { store, clock, signer } = this.#context;
    const row = store.transaction(() => updateDevice(store, device, (before) => ({ ...before, number: before.number + 1 })));
    const payload = JSON.stringify({ device, number: row?.number ?? 0, issuedMs: clock.wallMs() });
    const key = signer.find(holds ?? "") ?? signer.current();
    return { payload, key: key.fingerprint, signature: toBase64Url(await key.sign(signedBytes("release", payload))) };
  }
}
