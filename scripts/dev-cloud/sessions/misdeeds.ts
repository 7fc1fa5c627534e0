import type { CommandPayload } from "../../../agent/protocol/commands/payload.ts";
import { FRAME_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import { signedBytes, type Signed, type SignedPurpose } from "../../../agent/protocol/signed.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { toBase64Url, toHex } from "../../../platform/runtime/encoding.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import type { CommandRow } from "./cloud-store.ts";
import { updateDevice, type CloudContext } from "./context.ts";
import type { LiveSession } from "./live-sessions.ts";
import type { Misdeed } from "./misbehaviour.ts";

/** Does one thing wrong towards a device, for tests. Code: `misbehave.nothing-to-replay` (nothing suitable was sent before). */
export async function misbehave(context: CloudContext, session: LiveSession, misdeed: Misdeed): Promise<Result<void>> {
  switch (misdeed) {
    case "nonsense-frame":
      session.sendText("\u0000{]}nonsense");
      return ok(undefined);
    case "unknown-type":
      session.sendText('{"t":"from-the-future","x":1}');
      return ok(undefined);
    case "oversized-frame":
      session.sendText(JSON.stringify({ t: "pong", pad: "x".repeat(FRAME_BYTES_MAX) }));
      return ok(undefined);
    case "binary-frame":
      session.sendBinary(Uint8Array.of(0, 255, 1, 254));
      return ok(undefined);
    case "replayed-command":
      return replay(context, session);
    case "desired-invalid":
    case "desired-older":
      return wrongDesired(context, session, misdeed);
    case "unsigned-command":
    case "wrong-key-command":
    case "tampered-command":
    case "old-number-command":
    case "expired-command":
    case "other-device-command":
    case "unknown-command":
      session.send({ t: "command", signed: await wrongCommand(context, session, misdeed) });
      return ok(undefined);
  }
}

async function wrongCommand(context: CloudContext, session: LiveSession, misdeed: Misdeed): Promise<Signed> {
  const { random, clock } = context;
  const issuedMs = clock.wallMs();
  const number =
    misdeed === "old-number-command" ? (lastCommand(context, session)?.number ?? 0) : nextNumber(context, session.device);
  const payload: CommandPayload = {
    device: misdeed === "other-device-command" ? toHex(random.bytes(16)) : session.device,
    id: `bad-${toHex(random.bytes(6))}`,
    attempt: 1,
    number,
    name: misdeed === "unknown-command" ? "format-the-universe" : "identify",
    params: {},
    issuedMs: misdeed === "expired-command" ? issuedMs - 7_200_000 : issuedMs,
    notAfterMs: misdeed === "expired-command" ? issuedMs - 3_600_000 : issuedMs + 60_000,
    ttlMs: 60_000,
  };
  const signed = await signedBy(context, "command", payload);
  if (misdeed === "unsigned-command") return { ...signed, signature: toBase64Url(new Uint8Array(64)) };
  if (misdeed === "wrong-key-command") return { ...signed, key: toHex(random.bytes(16)) };
  if (misdeed === "tampered-command") return { ...signed, payload: signed.payload.replace('"identify"', '"shutdown"') };
  return signed;
}

async function wrongDesired(
  context: CloudContext,
  session: LiveSession,
  misdeed: "desired-invalid" | "desired-older",
): Promise<Result<void>> {
  const present = context.store.document(session.device, "desired");
  if (misdeed === "desired-older") {
    if (present === undefined || present.version < 2)
      return fail(
        "misbehave.nothing-to-replay",
        "there is no older version than the current one",
        "change the desired document first",
      );
    const payload = {
      device: session.device,
      version: present.version - 1,
      issuedMs: context.clock.wallMs(),
      document: { display: { brightness: 1 } },
    };
    session.send({ t: "desired", signed: await signedBy(context, "desired", payload) });
    return ok(undefined);
  }
  // Uses up a version: the next valid document must come after the invalid one.
  const version = Math.max(present?.version ?? 0, context.store.device(session.device)?.desiredFloor ?? 0) + 1;
  context.store.transaction(() => updateDevice(context.store, session.device, (row) => ({ ...row, desiredFloor: version })));
  const payload = {
    device: session.device,
    version,
    issuedMs: context.clock.wallMs(),
    document: { display: { brightness: "glaring" } },
  };
  session.send({ t: "desired", signed: await signedBy(context, "desired", payload) });
  return ok(undefined);
}

async function replay(context: CloudContext, session: LiveSession): Promise<Result<void>> {
  const last = lastCommand(context, session);
  if (last === undefined) return fail("misbehave.nothing-to-replay", "no command has been sent to this device yet", "send one first");
  session.sendSigned("command", last.payload);
  return Promise.resolve(ok(undefined));
}

function lastCommand(context: CloudContext, session: LiveSession): CommandRow | undefined {
  return context.store.commands({ device: session.device, limit: 1, internal: true })[0];
}

async function signedBy(context: CloudContext, purpose: SignedPurpose, payload: Json | CommandPayload): Promise<Signed> {
  const key = context.signer.current();
  const text = JSON.stringify(payload);
  return { payload: text, key: key.fingerprint, signature: toBase64Url(await key.sign(signedBytes(purpose, text))) };
}

function nextNumber(context: CloudContext, device: string): number {
  return (
    context.store.transaction(() => updateDevice(context.store, device, (row) => ({ ...row, number: row.number + 1 })))?.number ??
    0
  );
}
