import { BATCH_RECORDS_MAX } from "../../../agent/protocol/limits.ts";
import { encodeMessage } from "../../../agent/protocol/codec.ts";
import type { DeviceMessage, DeviceMessageOf, Hello } from "../../../agent/protocol/device-messages.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { admit, endorsed, limitsOf, type Admission } from "./admission.ts";
import { noteClaimTokens } from "./claim-tokens.ts";
import type { CloudEvent } from "./cloud-events.ts";
import type { CommandRow } from "./cloud-store.ts";
import { Commands } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { newCounters, updateDevice, type CloudContext } from "./context.ts";
import { DesiredState } from "./desired-state.ts";
import { GroupCommit } from "./group-commit.ts";
import { LiveSessions } from "./live-sessions.ts";
import { Misbehaviours } from "./misbehaviour.ts";
import { Ownership } from "./ownership.ts";
import { RecordIntake, type IntakeResult } from "./record-intake.ts";
import { salvageRecords, type PoisonRecord } from "./record-gate.ts";
import { takeReported } from "./reported-state.ts";
import { Session, type SessionHost } from "./session.ts";
import { StoredAnswers } from "./stored-answers.ts";
import { UploadGrants } from "./upload-grants.ts";

export type CloudDeps = Pick<CloudContext, "clock" | "timers" | "random" | "crypto" | "store" | "signer" | "log" | "settings"> & {
  /** Bytes still free for uploads. */
  readonly uploadsFreeBytes: () => number;
};

/** When more records than this wait for a commit, the connection that sent the last ones is paused. */
const WAITING_RECORDS_MAX = 20_000;

/**
 * The cloud's side of all device sessions, free of sockets, files and threads: the server runs it over
 * WebSockets and SQLite, the simulation over its own links, memory and clock.
 */
export class Cloud implements SessionHost {
  readonly context: CloudContext;
  readonly events: Emitter<CloudEvent>;
  readonly commands: Commands;
  readonly desired: DesiredState;
  readonly ownership: Ownership;
  readonly #intake: RecordIntake;
  readonly #uploads: UploadGrants;
  readonly #answers: StoredAnswers;
  readonly #paused = new Set<Connection>();

  constructor(deps: CloudDeps) {
    this.events = Emitter.logged(deps.log, "cloud events");
    const counters = newCounters();
    this.context = {
      ...deps,
      counters,
      live: new LiveSessions(),
      misbehaviours: new Misbehaviours(),
      commit: new GroupCommit(deps.store, deps.timers, {
        onFailure: (thrown, sender) => {
          counters.commitFailures += 1;
          if (sender === undefined) deps.log.error({ error: messageOf(thrown) }, "a commit to the store failed; nothing in it was acknowledged");
          else deps.log.error({ error: messageOf(thrown), session: sender }, "the work of a session could not be stored and answered; the others' was");
        },
        onSettled: () => this.#settled(),
      }),
      emit: (event) => this.events.emit(event),
    };
    this.commands = new Commands(this.context);
    this.desired = new DesiredState(this.context);
    this.ownership = new Ownership(this.context, this.desired, this.commands);
    this.#intake = new RecordIntake(this.context, this.commands);
    this.#uploads = new UploadGrants(this.context, this.commands, deps.uploadsFreeBytes);
    this.#answers = new StoredAnswers(this.context.misbehaviours);
  }

  /** Call before the first connection. Marks devices offline that were online when the previous process ended. */
  start(): void {
    const { store, clock } = this.context;
    store.transaction(() => {
      noteClaimTokens(this.context);
      for (const row of store.devices()) {
        if (row.link.state === "online")
          store.putDevice({
            ...row,
            link: { ...row.link, state: "offline", sinceMs: clock.wallMs(), reason: "server-restarted" },
          });
      }
    });
    this.commands.arm();
  }

  /** Starts a session for a new connection. The caller passes the connection's frames and its end to the session. */
  open(connection: Connection): Session {
    this.context.counters.sessionsOpened += 1;
    const session = new Session(this.context, this, connection);
    session.start();
    return session;
  }

  /** Ends all sessions with `goaway`, commits pending work and stops all timers. */
  stop(): void {
    for (const session of this.context.live.all())
      session.end("server-stopping", { t: "goaway", reason: "the server is stopping", retryAfterMs: 1_000 });
    this.context.commit.flush();
    this.context.commit.flush();
    this.commands.stop();
    this.ownership.stop();
  }

  /** For simulations: ends like a killed process. Uncommitted work is gone and nothing more is sent. */
  crash(): void {
    this.context.commit.abandon();
    this.commands.stop();
    this.ownership.stop();
    for (const session of this.context.live.all()) session.cut("crashed");
  }

  /** Removes an offline device and all its data. Returns false when the device is online. */
  forget(device: string): boolean {
    const { store, live, commit, misbehaviours, emit } = this.context;
    // Commit its last frames first, so that none of them is written after the removal.
    commit.flush();
    if (live.get(device) !== undefined) return false;
    store.transaction(() => store.removeDevice(device));
    this.ownership.forget(device);
    live.forget(device);
    misbehaviours.forget(device);
    emit({ t: "device-removed", device });
    return true;
  }

  admit(session: Session, hello: Hello): void {
    const bad = session.misbehaviour();
    if (bad.refuse !== undefined) {
      session.refuse(bad.refuse.code, bad.refuse.message ?? "refused on request", bad.refuse.retryAfterMs);
      return;
    }
    let result: ReturnType<typeof admit> | undefined;
    this.context.commit.add({
      sender: session.id,
      weight: 1,
      write: () => {
        result = admit(this.context, this.desired, { id: session.id, remote: session.connection.remote }, hello);
      },
      done: () => {
        if (result?.ok === true) this.#welcome(session, hello, result.value);
        else if (result !== undefined) session.refuse(result.error.code, result.error.message, 5_000);
      },
      failed: () => session.refuse("refused.busy", "the cloud could not store the hello", 10_000),
    });
  }

  message(session: Session, message: DeviceMessage): void {
    switch (message.t) {
      case "ping":
        session.send({ t: "pong", serverMs: this.context.clock.wallMs() });
        return;
      case "bye":
        session.saidBye(message.reason);
        session.end("bye");
        return;
      case "error":
        session.counts.errorsFromDevice += 1;
        this.context.log.info(
          { device: session.device, code: message.code, about: message.about },
          `the device reported an error: ${message.message}`,
        );
        return;
      case "records":
        this.#records(session, message, []);
        return;
      case "reported":
        this.#reported(session, message);
        return;
      case "profile":
        this.#profile(session, message);
        return;
      case "command-ack":
        this.#command(session, (device, nowMs) => this.commands.takeAck(device, message, nowMs));
        return;
      case "command-progress":
        this.#command(session, (device, nowMs) => this.commands.takeProgress(device, message, nowMs));
        return;
      case "upload-request":
        this.#upload(session, message);
        return;
      case "hello":
        return;
    }
  }

  salvage(session: Session, frame: Json): boolean {
    const salvaged = salvageRecords(frame);
    if (!salvaged.ok) return false;
    session.counts.malformed += 1;
    this.context.counters.malformedFrames += 1;
    this.#records(session, salvaged.value.message, salvaged.value.poison);
    return true;
  }

  ended(session: Session, reason: string): void {
    this.context.live.remove(session);
    this.ownership.stopPairing(session.device, session.id);
    this.#answers.forget(session);
    this.#markOffline(session.device, session.id, reason);
  }

  #welcome(session: Session, hello: Hello, admission: Admission): void {
    const { row, welcome } = admission;
    const { context } = this;
    // The endorsement is the only asynchronous step between the commit and the welcome.
    endorsed(context, row, welcome.owner, hello.owner).then(
      (owner) => {
        const before = context.live.replace(session);
        if (before !== undefined) before.end("replaced", { t: "goaway", reason: "a newer session of this device has started" });
        session.pingIntervalMs = welcome.limits.pingIntervalMs ?? session.pingIntervalMs;
        session.opened({ ...welcome, owner }, () => context.store.device(row.id)?.owner?.key);
        if (session.isOpen) this.#afterWelcome(session, hello, admission);
        else {
          context.live.remove(session);
          this.#markOffline(row.id, session.id, session.endReason ?? "closed");
        }
      },
      (thrown: unknown) => {
        context.log.error({ error: messageOf(thrown) }, "endorsing the owner's key failed");
        session.refuse("refused.busy", "the owner's key could not be used", 10_000);
        this.#markOffline(row.id, session.id, "refused");
      },
    );
  }

  #afterWelcome(session: Session, hello: Hello, { row, welcome, tellReleased }: Admission): void {
    if (tellReleased) this.ownership.sendRelease(row.id, session, hello.owner);
    else if (row.owner === undefined) this.ownership.startPairing(row.id, session);
    const desiredGoesBack = session.misbehaviour().desiredGoesBack === true;
    if (welcome.desiredVersion > hello.desiredVersion || (desiredGoesBack && welcome.desiredVersion > 0))
      this.desired.push(row.id);
    this.commands.deliverOpen(row.id);
    this.context.emit({ t: "device", device: row.id });
  }

  #records(session: Session, message: DeviceMessageOf<"records">, poison: readonly PoisonRecord[]): void {
    const count = message.records.length + poison.length;
    if (count > BATCH_RECORDS_MAX) {
      session.unusable(
        { code: "records.too-many", message: `${count} records in one frame; at most ${BATCH_RECORDS_MAX} are allowed` },
        "records",
      );
      return;
    }
    const device = session.device;
    let result: IntakeResult | undefined;
    this.context.commit.add({
      sender: session.id,
      weight: count,
      write: () => {
        result = this.#intake.take(device, message, poison);
      },
      done: () => {
        if (result !== undefined) this.#stored(session, device, result);
      },
      failed: () => endUnstored(session),
    });
    if (this.context.commit.waiting > WAITING_RECORDS_MAX && !this.#paused.has(session.connection)) {
      this.#paused.add(session.connection);
      session.connection.pause();
    }
  }

  #stored(session: Session, device: string, result: IntakeResult): void {
    const { counters, emit } = this.context;
    session.counts.records += result.stored.length;
    session.counts.duplicates += result.duplicates;
    session.counts.rejected += result.rejected.length;
    counters.recordsStored += result.stored.length;
    counters.duplicates += result.duplicates;
    counters.rejected += result.rejected.length;
    this.#answers.add(session, result);
    for (const command of result.commands) this.#commandChanged(command);
    if (result.stored.length > 0) emit({ t: "records", device, records: result.stored });
    if (result.alarmsChanged) emit({ t: "device", device });
  }

  #settled(): void {
    this.#answers.flush();
    for (const connection of this.#paused) connection.resume();
    this.#paused.clear();
  }

  #reported(session: Session, message: DeviceMessageOf<"reported">): void {
    const device = session.device;
    let result: ReturnType<typeof takeReported> | undefined;
    this.#write(
      session,
      () => {
        result = takeReported(this.context.store, device, message, this.context.clock.wallMs());
      },
      () => {
        if (result === undefined) return;
        if (result.kind === "refused") {
          session.unusable(result.issue, "reported");
          return;
        }
        session.send({ t: "reported-ack", version: result.kind === "stored" ? result.row.version : result.version });
        if (result.kind !== "stored") return;
        this.context.emit({ t: "document", row: result.row });
        this.context.emit({ t: "device", device });
      },
    );
  }

  #profile(session: Session, message: DeviceMessageOf<"profile">): void {
    const { t: _t, ...document } = message;
    const row = { device: session.device, kind: "profile", version: 0, atMs: this.context.clock.wallMs(), document } as const;
    this.#write(
      session,
      () => this.context.store.putDocument(row),
      () => {
        this.context.emit({ t: "document", row });
        this.context.emit({ t: "device", device: row.device });
      },
    );
  }

  #command(session: Session, take: (device: string, nowMs: number) => CommandRow | undefined): void {
    // Read now: the session may have ended before the commit, and its message still counts.
    const { device } = session;
    let changed: CommandRow | undefined;
    this.#write(
      session,
      () => {
        changed = take(device, this.context.clock.wallMs());
      },
      () => {
        if (changed !== undefined) this.#commandChanged(changed);
      },
    );
  }

  #commandChanged(command: CommandRow): void {
    this.context.emit({ t: "command", command });
    this.context.emit({ t: "device", device: command.device });
    this.commands.arm();
  }

  #upload(session: Session, message: DeviceMessageOf<"upload-request">): void {
    const device = session.device;
    let result: ReturnType<UploadGrants["grant"]> | undefined;
    this.#write(
      session,
      () => {
        result = this.#uploads.grant(device, message);
      },
      () => {
        if (result === undefined) return;
        session.send(result.answer);
        if (result.command !== undefined) this.#commandChanged(result.command);
      },
    );
  }

  /** Commits a small change requested by a frame. */
  #write(session: Session, write: () => void, done: () => void): void {
    this.context.commit.add({
      sender: session.id,
      weight: 1,
      write,
      done,
      failed: () => endUnstored(session),
    });
  }

  /** Changes the row only while it still names this session: the late end of an old session must not affect a newer one. */
  #markOffline(device: string, session: string, reason: string): void {
    const { store, clock, commit, emit } = this.context;
    commit.add({
      // Independent of the session's other work: it is over either way.
      sender: `end of ${session}`,
      weight: 1,
      write: () => {
        const nowMs = clock.wallMs();
        updateDevice(store, device, (row) =>
          row.link.session === session && row.link.state === "online"
            ? { ...row, lastSeenMs: nowMs, link: { ...row.link, state: "offline", sinceMs: nowMs, reason } }
            : row,
        );
      },
      done: () => emit({ t: "device", device }),
      failed: () => {
        // The row stays online until the next `start` corrects it.
      },
    });
  }

  /** Sets a device's limits, for the open session and every later welcome. */
  setLimits(device: string, limits: Readonly<Record<string, Json>>): void {
    const { store, clock, live } = this.context;
    store.transaction(() => store.putDocument({ device, kind: "limits", version: 0, atMs: clock.wallMs(), document: limits }));
    const session = live.get(device);
    if (session === undefined) return;
    const inForce = limitsOf(this.context, device);
    if (session instanceof Session && inForce.pingIntervalMs !== undefined) session.pingIntervalMs = inForce.pingIntervalMs;
    session.sendText(encodeMessage({ t: "limits", limits: inForce }));
  }
}

/** Ends a session whose work could not be stored: on reconnecting, the device sends again what was not acknowledged. */
function endUnstored(session: Session): void {
  session.end("store-failed", { t: "goaway", reason: "the cloud could not store what the device sent", retryAfterMs: 10_000 });
}
