import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { MachinePlace } from "../../../platform/ports/machine-place.ts";
import type { ClockControl } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import { fail, type Issue, type Result } from "../../../platform/ports/result.ts";
import type { OpenAccessPoint, Uplinks, VisibleNetwork, WifiSetup } from "../../../platform/ports/wifi-setup.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { sleep, TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Network } from "../../protocol/network-settings.ts";
import type { OwnKeyResult } from "../../protocol/desired.ts";
import type { WayToCloud } from "../cloud/way-to-cloud.ts";
import type { PortalView } from "./portal.ts";
import type { SetupRequest } from "./setup-request.ts";
import { failureSentence, setupSentence } from "./setup-sentence.ts";
import { initialSetup, isWatching, stepSetup, type SetupEvent, type SetupFacts, type SetupPolicy, type SetupState, type SetupTask } from "./setup-state.ts";

/** Makes the portal reachable from the set-up network. */
export interface SetupDoor {
  /** Returns the portal's own `host[:port]`. `address`: of this device in the set-up network. Error: `setup.no-portal`. */
  open(address: string): Promise<Result<string>>;
  close(): Promise<void>;
}

/** For the screen: how to get into the set-up network. */
export interface SetupScreen {
  readonly ssid: string;
  readonly password: string;
  readonly url: string;
}

export interface SetupDeps {
  /** Absent: no set-up network can be opened; the file's settings are used all the same. */
  readonly radio: WifiSetup | undefined;
  /** Absent: the same. */
  readonly door: SetupDoor | undefined;
  /** Where the device is, by the provisioning file. */
  readonly location: { readonly country?: string; readonly timeZone?: string };
  /** Absent: the machine cannot be told its country. */
  readonly place: MachinePlace | undefined;
  readonly clockControl: Pick<ClockControl, "timeZone" | "setTimeZone">;
  /** The desired document has a time zone of its own. */
  readonly ownerChoseZone: () => boolean;
  /** Tries network settings and goes back by itself. `again`: although the same settings failed a short while ago. */
  readonly network: { apply(wanted: Network, options: { readonly again: boolean }): Promise<OwnKeyResult> };
  readonly way: WayToCloud;
  /** Network settings of the provisioning file. */
  readonly file: Network | undefined;
  /** They are in force, or the owner's desired state has settings that go before them: removes them from the file. */
  readonly fileUsed: () => void;
  /** The desired document has network settings of its own. */
  readonly ownerChose: () => boolean;
  readonly owned: () => boolean;
  readonly uptimeMs: () => Promise<Reading<number>>;
  readonly deviceId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly policy: SetupPolicy;
}

/** Between looks at the network while set-up may have something to do. */
const LOOK_MS = 10_000;
/** The answer to the form must reach the phone before its network goes down. */
const GOODBYE_MS = 3_000;
const DEADLINE_MARGIN_MS = 5_000;
/** Letters and digits that are not mistaken for each other. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const SHORT_ID = 8;
const TOKEN_BYTES = 16;
const HOLDER = "setup";
const NO_DOOR: Result<Uplinks> = fail("setup.no-portal", "set-up has no portal");

/**
 * Gives the device its first network: with the provisioning file, else by a set-up network whose portal a person opens with a
 * phone. Both go through the same trial as any network change.
 */
export class Setup {
  readonly #deps: SetupDeps;
  readonly #wake = new Wake();
  readonly #changed: Emitter<void>;
  readonly #ssid: string;
  #password = "";
  #state: SetupState;
  #filePending: boolean;
  #networks: readonly VisibleNetwork[] = [];
  #opening: { readonly host: string; readonly token: string } | undefined;
  #asked: SetupRequest | undefined;
  #guestAtMs: number | undefined;

  constructor(deps: SetupDeps) {
    this.#deps = deps;
    this.#changed = Emitter.logged(deps.log, "set-up");
    this.#ssid = `Vitrine-${deps.deviceId.slice(0, SHORT_ID)}`;
    this.#filePending = deps.file !== undefined;
    const nowMs = deps.clock.monotonicMs();
    this.#state = initialSetup(nowMs, nowMs, deps.policy);
  }

  state(): SetupState {
    return this.#state;
  }

  onChange(listener: () => void): () => void {
    return this.#changed.on(listener);
  }

  /** One sentence for the screen. */
  sentence(): string | undefined {
    return setupSentence(this.#state);
  }

  /** Present while the set-up network is open. */
  screen(): SetupScreen | undefined {
    if (this.#state.kind !== "open" || this.#opening === undefined) return undefined;
    return { ssid: this.#ssid, password: this.#password, url: `http://${this.#opening.host}/` };
  }

  portalView(): PortalView | undefined {
    const state = this.#state;
    if (state.kind !== "open" || this.#opening === undefined || this.#asked !== undefined) return undefined;
    return {
      device: this.#deps.deviceId.slice(0, SHORT_ID), ...this.#opening, interface: state.point.interface, networks: this.#networks,
      ...(state.failure === undefined ? {} : { problem: failureSentence(state.failure) }),
    };
  }

  /** A phone in the set-up network asked the portal for something. */
  visited(): void {
    this.#guestAtMs = this.#deps.clock.monotonicMs();
  }

  /** A person's choice. Returns false when set-up does not take it. */
  choose(request: SetupRequest): boolean {
    if (this.portalView() === undefined) return false;
    this.#asked = request;
    this.#wake.ring();
    return true;
  }

  /** Ownership changed, or something else that set-up depends on. */
  poke(): void {
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { timers, policy } = this.#deps;
    await this.#measureBoot();
    await this.#locate();
    await this.#call("close an old set-up network", (radio) => radio.closeAccessPoint());
    if (!(await sleep(timers, "setup.grace", policy.graceMs, signal))) return;
    try {
      while (!signal.aborted) {
        await this.#turn(signal);
        await this.#wake.wait(timers, "setup.look", this.#isWatching() ? LOOK_MS : Infinity, signal);
      }
    } finally {
      if (this.#state.kind === "open" || this.#state.kind === "opening") await this.#close();
    }
  }

  /** Repeats until there is nothing to do now. */
  async #turn(signal: AbortSignal): Promise<void> {
    for (;;) {
      const asked = this.#asked;
      if (asked === undefined && !this.#isWatching()) return;
      const event: SetupEvent = asked === undefined ? { kind: "looked", facts: await this.#look() } : { kind: "asked", ssid: asked.ssid };
      if (signal.aborted) return;
      const task = this.#step(event);
      if (task === "nothing") {
        this.#asked = undefined;
        return;
      }
      await this.#do(task, signal);
      if (signal.aborted) return;
    }
  }

  async #do(task: Exclude<SetupTask, "nothing">, signal: AbortSignal): Promise<void> {
    switch (task) {
      case "open":
        return this.#open();
      case "close":
        return this.#close();
      case "join-file":
        return this.#joinFile();
      case "join-asked": {
        const asked = this.#asked;
        if (asked === undefined) throw new Error("nothing was asked for");
        if (!(await sleep(this.#deps.timers, "setup.goodbye", GOODBYE_MS, signal))) return;
        this.#asked = undefined;
        await this.#close();
        await this.#join(asked.network, asked.ssid, true);
      }
    }
  }

  async #open(): Promise<void> {
    const { clock, door, log, random } = this.#deps;
    if (door === undefined) throw new Error("there is no door to open");
    if (this.#password === "") this.#password = randomPassword(random);
    // Most adapters cannot look around while they are an access point.
    const networks = await this.#call("scan", (radio) => radio.scan());
    if (networks.ok) this.#networks = networks.value;
    else log.warn({ ...networks.error }, "the networks in range cannot be listed");
    const opened = await this.#call("open", (radio) => radio.openAccessPoint({ ssid: this.#ssid, password: this.#password }));
    const host = opened.ok ? await door.open(opened.value.address.replace(/\/.*$/, "")) : opened;
    if (!opened.ok || !host.ok) {
      const { error } = opened.ok ? (host as { readonly error: Issue }) : opened;
      log.error({ ...error }, "the set-up network cannot be opened");
      await this.#close();
      this.#step({ kind: "not-opened", error, nowMs: clock.monotonicMs() });
      return;
    }
    this.#opened(opened.value, host.value);
  }

  #opened(point: OpenAccessPoint, host: string): void {
    const { log, random } = this.#deps;
    this.#opening = { host, token: toHex(random.bytes(TOKEN_BYTES)) };
    log.info({ ssid: this.#ssid, interface: point.interface, portal: host }, "the set-up network is open");
    this.#step({ kind: "opened", point });
  }

  async #close(): Promise<void> {
    this.#opening = undefined;
    await this.#deps.door?.close();
    const closed = await this.#call("close", (radio) => radio.closeAccessPoint());
    if (closed.ok) this.#deps.log.info({}, "the set-up network is closed");
    else this.#deps.log.error({ ...closed.error }, "the set-up network cannot be closed");
  }

  async #joinFile(): Promise<void> {
    const { file, ownerChose, fileUsed, clock } = this.#deps;
    if (file === undefined || ownerChose()) {
      this.#filePending = false;
      fileUsed();
      this.#step({ kind: "joined" });
      return;
    }
    const { wifi } = file;
    if (wifi !== undefined && !("hidden" in wifi && wifi.hidden === true)) {
      const networks = await this.#call("scan", (radio) => radio.scan());
      if (networks.ok && !networks.value.some(({ ssid }) => ssid === wifi.ssid)) {
        this.#step({ kind: "not-joined", failure: { code: "network.not-in-range", message: "it is not in range", ssid: wifi.ssid }, nowMs: clock.monotonicMs() });
        return;
      }
    }
    if (await this.#join(file, wifi?.ssid, false)) {
      this.#filePending = false;
      fileUsed();
    }
  }

  /** Returns whether the settings are in force. */
  async #join(wanted: Network, ssid: string | undefined, again: boolean): Promise<boolean> {
    const { network, way, log, clock } = this.#deps;
    const release = way.take(HOLDER);
    const named = ssid === undefined ? {} : { ssid };
    if (release === undefined) {
      this.#step({ kind: "not-joined", failure: { code: "cloud.way-busy", message: `${way.holder() ?? "something else"} is being changed`, ...named }, nowMs: clock.monotonicMs() });
      return false;
    }
    try {
      log.info(named, "set-up tries a network");
      const { status, error } = await network.apply(wanted, { again });
      if (status === "applied") {
        log.info(named, "set-up found a network that leads to the cloud");
        this.#step({ kind: "joined" });
        return true;
      }
      const failure = { ...(error ?? { code: "network.change-failed", message: "the agent is stopping" }), ...named };
      log.warn({ ...failure }, "set-up could not use a network");
      this.#step({ kind: "not-joined", failure, nowMs: clock.monotonicMs() });
      return false;
    } finally {
      release();
    }
  }

  async #look(): Promise<SetupFacts> {
    const { file, owned, clock, door } = this.#deps;
    const uplinks = door === undefined ? NO_DOOR : await this.#call("look", (radio) => radio.uplinks());
    // Without an adapter, or without knowing what is there, no set-up network is opened.
    const found = uplinks.ok ? uplinks.value : { cable: true, knownWifi: false, connected: false };
    const fileSsid = file?.wifi?.ssid;
    const guest = this.#guestAtMs === undefined ? {} : { guestAtMs: this.#guestAtMs };
    return { nowMs: clock.monotonicMs(), owned: owned(), ...found, filePending: this.#filePending, ...(fileSsid === undefined ? {} : { fileSsid }), ...guest };
  }

  #step(event: SetupEvent): SetupTask {
    const before = JSON.stringify([this.#state.kind, this.sentence()]);
    const { state, task } = stepSetup(this.#state, event, this.#deps.policy);
    this.#state = state;
    if (JSON.stringify([state.kind, this.sentence()]) !== before) this.#changed.emit();
    return task;
  }

  #isWatching(): boolean {
    return isWatching(this.#state, { nowMs: this.#deps.clock.monotonicMs(), owned: this.#deps.owned(), filePending: this.#filePending });
  }

  /** Before the radio is used: the country decides which channels it sees. */
  async #locate(): Promise<void> {
    const { location: { country, timeZone }, place, clockControl, ownerChoseZone, log } = this.#deps;
    const unused = "a setting of the provisioning file could not be used";
    if (country !== undefined) {
      const told = place === undefined ? fail("place.not-set", "this machine cannot be told its country") : await place.setCountry(country);
      if (!told.ok) log.warn({ ...told.error }, unused);
    }
    if (timeZone === undefined || ownerChoseZone()) return;
    // At each start: a read-only root and the other slot of an A/B image have a zone of their own.
    const now = await clockControl.timeZone();
    if (now.kind === "ok" && now.value === timeZone) return;
    const zone = await clockControl.setTimeZone?.(timeZone);
    if (zone?.acknowledged !== true) log.warn({ ...(zone?.error ?? { code: "clock.zone-refused", message: "the time zone of this machine cannot be set" }) }, unused);
  }

  async #measureBoot(): Promise<void> {
    const { uptimeMs, clock, policy } = this.#deps;
    const uptime = await uptimeMs();
    const nowMs = clock.monotonicMs();
    this.#state = initialSetup(nowMs - (uptime.kind === "ok" ? uptime.value : 0), nowMs, policy);
  }

  async #call<T>(what: string, work: (radio: WifiSetup) => Promise<Result<T>>): Promise<Result<T>> {
    const { radio, timers } = this.#deps;
    if (radio === undefined) return fail("network.not-supported", "there is no wireless adapter that the agent controls");
    try {
      return await withDeadline(timers, `setup.${what}`, radio.worstCaseMs + DEADLINE_MARGIN_MS, work(radio));
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      return fail("network.timed-out", thrown.message);
    }
  }
}

/** 12 of 31 letters: 59 bits, for a network that is open for a quarter of an hour. The hyphens keep it from looking like hexadecimal digits. */
function randomPassword(random: Random): string {
  const letters: string[] = [];
  while (letters.length < 12) {
    for (const byte of random.bytes(16)) {
      // Larger bytes would make some letters more likely.
      if (byte < ALPHABET.length * Math.floor(256 / ALPHABET.length) && letters.length < 12) letters.push(ALPHABET.charAt(byte % ALPHABET.length));
    }
  }
  return [letters.slice(0, 4), letters.slice(4, 8), letters.slice(8)].map((part) => part.join("")).join("-");
}
