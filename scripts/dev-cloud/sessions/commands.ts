import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import type { CancelPayload, CommandPayload } from "../../../agent/protocol/commands/payload.ts";
import { validate } from "../../../agent/protocol/codec.ts";
import type { DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import { COMMAND_PARAMS_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import type { CommandOutcome } from "../../../agent/protocol/records.ts";
import { IdSchema } from "../../../agent/protocol/values.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { toHex, utf8 } from "../../../platform/runtime/encoding.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow, type DeviceRow } from "./cloud-store.ts";
import { advance, closedByAck, closedByCloud, deadline, withOutcome } from "./command-row.ts";
import { updateDevice, type CloudContext } from "./context.ts";
import { validateAs } from "../validate-as.ts";

export interface CommandRequest {
  readonly name: string;
  readonly params: JsonObject;
  readonly ttlMs?: number;
  readonly id?: string;
  readonly internal?: boolean;
}

/** Upper bound of the sweep timer, so that a change of the wall clock is noticed. */
const SWEEP_MS_MAX = 60_000;
/** Open commands per device. More are refused, so that a dead device does not collect thousands. */
const OPEN_MAX = 200;

/** The cloud's side of commands: creates them, signs them on sending and tracks each to its one final state. */
export class Commands {
  readonly #context: CloudContext;
  #timer: Timer | undefined;

  constructor(context: CloudContext) {
    this.#context = context;
  }

  /**
   * Creates a command and sends it if the device is online. Codes: `device.unclaimed`, `command.unknown`,
   * `command.params-invalid`, `request.malformed` (bad id), `command.ttl-too-long`, `command.exists`, `command.too-many`.
   */
  create(device: DeviceRow, request: CommandRequest): Result<CommandRow> {
    const { store, random } = this.#context;
    if (device.owner === undefined)
      return fail(
        "device.unclaimed",
        "the device is not claimed; only its owner may send commands",
        "claim it with the code on its screen",
      );
    const checked = checkRequest(request);
    if (!checked.ok) return checked;
    const id = request.id ?? `c-${toHex(random.bytes(8))}`;
    if (store.command(device.id, id) !== undefined)
      return fail("command.exists", `command ${id} already exists`, "use another id, or retry the command");
    if (store.openCommands(device.id).length >= OPEN_MAX) {
      return fail(
        "command.too-many",
        `${OPEN_MAX} commands are already waiting for this device`,
        "cancel some, or wait until they are done or expired",
      );
    }
    return ok(this.#issue(device.id, id, 1, { ...request, ttlMs: checked.value }));
  }

  /** Issues the same id and params as the next attempt. Codes: `command.unknown-id`, `command.not-final`, `device.unclaimed`. */
  retry(device: DeviceRow, id: string): Result<CommandRow> {
    const before = this.#context.store.command(device.id, id);
    if (before === undefined) return fail("command.unknown-id", `there is no command ${id} for this device`);
    if (!isFinal(before.state))
      return fail("command.not-final", `the command is ${before.state}`, "cancel it, or wait for its outcome");
    if (device.owner === undefined) return fail("device.unclaimed", "the device is not claimed");
    return ok(this.#issue(device.id, id, before.attempt + 1, before));
  }

  /** Codes: `command.unknown-id`, `command.final`. */
  cancel(device: string, id: string): Result<CommandRow> {
    const { store, clock, live } = this.#context;
    const before = store.command(device, id);
    if (before === undefined) return fail("command.unknown-id", `there is no command ${id} for this device`);
    if (isFinal(before.state)) return fail("command.final", `the command is already ${before.state}`);
    const nowMs = clock.wallMs();
    const row = store.transaction(() => {
      if (before.state === "queued") return this.#put(closedByCloud(before, "canceled", nowMs, "canceled before it was sent"));
      if (before.cancel !== undefined) return before;
      const number = this.#nextNumber(device);
      const payload: CancelPayload = { device, id, attempt: before.attempt, number, issuedMs: nowMs };
      return this.#put({ ...before, cancel: { atMs: nowMs, number, payload: JSON.stringify(payload) } });
    });
    this.#changed(row);
    if (row.cancel !== undefined) live.get(device)?.sendSigned("cancel", row.cancel.payload);
    return ok(row);
  }

  /** After a welcome: (re)sends unacknowledged commands, lowest number first, and cancels the device may have missed. */
  deliverOpen(device: string): void {
    const { store, live } = this.#context;
    for (const row of store.openCommands(device)) {
      if (row.state === "queued" || row.state === "sent") this.#send(row);
      if (row.cancel !== undefined) live.get(device)?.sendSigned("cancel", row.cancel.payload);
    }
    this.arm();
  }

  /** Inside a transaction. */
  takeAck(device: string, message: DeviceMessageOf<"command-ack">, nowMs: number): CommandRow | undefined {
    const { store } = this.#context;
    const before = store.command(device, message.id, message.attempt);
    if (before === undefined) return undefined;
    const delivered = advance(before, "delivered", nowMs, "device");
    if (message.state === "delivered") return delivered === before ? undefined : this.#put(delivered);
    if (message.state === "running") return this.#put(advance(delivered, "running", nowMs, "device"));
    // The command is already final on the device; its outcome record follows with the details.
    return isFinal(before.state) ? undefined : this.#put({ ...delivered, ackedFinal: { state: message.state, atMs: nowMs } });
  }

  /** Inside a transaction. */
  takeProgress(device: string, message: DeviceMessageOf<"command-progress">, nowMs: number): CommandRow | undefined {
    const before = this.#context.store.command(device, message.id, message.attempt);
    if (before === undefined || isFinal(before.state)) return undefined;
    const { step, percent } = message;
    const progress = { ...(step === undefined ? {} : { step }), ...(percent === undefined ? {} : { percent }), atMs: nowMs };
    return this.#put({ ...advance(advance(before, "delivered", nowMs, "device"), "running", nowMs, "device"), progress });
  }

  /** Inside the transaction that stores the outcome record. */
  takeOutcome(device: string, outcome: CommandOutcome, nowMs: number): CommandRow | undefined {
    const before = this.#context.store.command(device, outcome.id, outcome.attempt);
    if (before === undefined) return undefined;
    return this.#put(withOutcome(before, outcome, nowMs));
  }

  /** Inside a transaction. */
  addUpload(device: string, id: string, attempt: number, upload: string): CommandRow | undefined {
    const before = this.#context.store.command(device, id, attempt);
    if (before === undefined || before.uploads.includes(upload)) return undefined;
    return this.#put({ ...before, uploads: [...before.uploads, upload] });
  }

  /** Cancels all open commands: the device is no longer ours. */
  closeAll(device: string, why: string): void {
    const { store, clock } = this.#context;
    const nowMs = clock.wallMs();
    const rows = store.transaction(() =>
      store.openCommands(device).map((row) => this.#put(closedByCloud(row, "canceled", nowMs, why))),
    );
    for (const row of rows) this.#changed(row);
  }

  /** Arms the timer for the next command that falls due. Call after every change. */
  arm(): void {
    const { timers, clock } = this.#context;
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = this.#nextDueMs();
    if (dueMs === undefined) return;
    const delayMs = Math.min(SWEEP_MS_MAX, Math.max(0, dueMs - clock.wallMs()));
    this.#timer = timers.after("cloud.commands.sweep", delayMs, () => this.#sweep());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #issue(
    device: string,
    id: string,
    attempt: number,
    request: { readonly name: string; readonly params: JsonObject; readonly ttlMs: number; readonly internal?: boolean },
  ): CommandRow {
    const { store, clock } = this.#context;
    const issuedMs = clock.wallMs();
    const { name, params, ttlMs } = request;
    const session = this.#context.live.get(device);
    const row = store.transaction(() => {
      const number = this.#nextNumber(device);
      const payload: CommandPayload = {
        device,
        id,
        attempt,
        number,
        name,
        params,
        issuedMs,
        notAfterMs: issuedMs + ttlMs,
        ttlMs,
      };
      const queued: CommandRow = {
        device,
        id,
        attempt,
        number,
        name,
        params,
        payload: JSON.stringify(payload),
        state: "queued",
        stages: [{ state: "queued", atMs: issuedMs, by: "cloud" }],
        issuedMs,
        notAfterMs: issuedMs + ttlMs,
        ttlMs,
        internal: request.internal ?? false,
        notes: [],
        uploads: [],
      };
      // Stored as sent before it is sent: after a crash in between it is sent again, which is harmless.
      return this.#put(session === undefined ? queued : advance(queued, "sent", issuedMs, "cloud"));
    });
    this.#changed(row);
    session?.sendSigned("command", row.payload);
    return row;
  }

  #send(row: CommandRow): void {
    const { store, clock, live } = this.#context;
    const session = live.get(row.device);
    const nowMs = clock.wallMs();
    if (session === undefined || (row.state === "queued" && nowMs > row.notAfterMs)) return;
    const sent = advance(row, "sent", nowMs, "cloud");
    if (sent !== row) {
      store.transaction(() => this.#put(sent));
      this.#changed(sent);
    }
    session.sendSigned("command", row.payload);
  }

  #nextNumber(device: string): number {
    return updateDevice(this.#context.store, device, (row) => ({ ...row, number: row.number + 1 }))?.number ?? 0;
  }

  #put(row: CommandRow): CommandRow {
    this.#context.store.putCommand(row);
    return row;
  }

  #changed(row: CommandRow): void {
    this.#context.emit({ t: "command", command: row });
    this.arm();
  }

  #nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const row of this.#context.store.openCommands()) {
      const due = deadline(row, this.#context.live.get(row.device)?.openedMs);
      if (due !== undefined && (next === undefined || due.dueMs < next)) next = due.dueMs;
    }
    return next;
  }

  #sweep(): void {
    const { store, clock, live } = this.#context;
    this.#timer = undefined;
    const nowMs = clock.wallMs();
    const over = store.openCommands().flatMap((row) => {
      const due = deadline(row, live.get(row.device)?.openedMs);
      if (due === undefined || due.dueMs > nowMs) return [];
      if (due.state === "acked") return [closedByAck(row, nowMs)];
      return [
        closedByCloud(
          row,
          due.state,
          nowMs,
          due.state === "expired"
            ? "it expired before the device acknowledged it"
            : "the device acknowledged it but sent no outcome",
        ),
      ];
    });
    store.transaction(() => {
      for (const row of over) this.#put(row);
    });
    for (const row of over) this.#context.emit({ t: "command", command: row });
    this.arm();
  }
}

/** Checks the request and returns its time to live, ms. */
function checkRequest(request: CommandRequest): Result<number> {
  const definition = findCommand(request.name);
  if (definition === undefined)
    return fail(
      "command.unknown",
      `there is no command ${JSON.stringify(request.name.slice(0, 64))}`,
      "the catalog lists all of them",
    );
  const params = validate(definition.params, request.params, `params of ${request.name}`, "command.params-invalid");
  if (!params.ok) return params;
  const bytes = utf8(JSON.stringify(request.params)).length;
  if (bytes > COMMAND_PARAMS_BYTES_MAX)
    return fail("command.params-invalid", `the params have ${bytes} bytes; at most ${COMMAND_PARAMS_BYTES_MAX} are allowed`);
  if (request.id !== undefined) {
    const id = validateAs("request.malformed", IdSchema, request.id, "id");
    if (!id.ok) return id;
  }
  const ttlMs = request.ttlMs ?? definition.ttlMs;
  if (ttlMs > definition.ttlMaxMs)
    return fail("command.ttl-too-long", `the time to live of ${request.name} is at most ${definition.ttlMaxMs} ms, not ${ttlMs}`);
  return ok(ttlMs);
}
