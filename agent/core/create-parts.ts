import { ok, type Result } from "../../platform/ports/result.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { AgentPorts, AgentSettings } from "./agent-ports.ts";
import { DEFAULT_MIGRATION_POLICY, Migration } from "./cloud/migration.ts";
import { migrationTarget } from "./cloud/migration-target.ts";
import { JudgingClock } from "./cloud/judging-clock.ts";
import { ServerClock } from "./cloud/server-clock.ts";
import { WayToCloud } from "./cloud/way-to-cloud.ts";
import { numberUsedBy } from "./commands/journal-entry.ts";
import type { JournalStore } from "./commands/journal-store.ts";
import { contentLabel, ContentService, notReady } from "./content/content-service.ts";
import { contentTarget } from "./content/content-target.ts";
import { AlarmBoard } from "./health/alarm-board.ts";
import { StorageTrials } from "./health/storage-trials.ts";
import { Ownership } from "./identity/ownership.ts";
import { Pairing } from "./identity/pairing.ts";
import { signatureVerifier } from "./identity/verify.ts";
import { LinkHandle } from "./link-handle.ts";
import { NetworkChange } from "./network/network-change.ts";
import { DEFAULT_NETWORK_POLICY } from "./network/network-change-deps.ts";
import { networkTarget } from "./network/network-target.ts";
import { PageConfig } from "./player/page-config.ts";
import { PlayerService } from "./player/player-service.ts";
import { SceneKeeper } from "./scene-keeper.ts";
import { rulesKey } from "./rules/rules-key.ts";
import { LocalRules } from "./rules/rules.ts";
import { fileSentence } from "./setup/setup-sentence.ts";
import { DEFAULT_SETUP_POLICY } from "./setup/setup-state.ts";
import { Setup } from "./setup/setup.ts";
import { ScheduleRunner } from "./schedule/schedule-runner.ts";
import { screenExpectation, type ScreenExpectation } from "./screen/screen-expectation.ts";
import { ScreenWatch } from "./screen/screen-watch.ts";
import { TvWatch } from "./screen/tv-watch.ts";
import { DesiredState } from "./state/desired-state.ts";
import type { Decision } from "./state/decision.ts";
import type { DesiredKeyHandler } from "./state/desired-key.ts";
import { audioKeys } from "./state/keys/audio-keys.ts";
import { displayKeys, wantedIn } from "./state/keys/display-keys.ts";
import { exclusiveKey } from "./state/keys/exclusive-key.ts";
import { timeZoneKey } from "./state/keys/clock-key.ts";
import { networkKey } from "./state/keys/network-key.ts";
import { contentKey, endpointsKey, logLevelKey, playerConfigKey, scheduleKey, telemetryKey, uploadHostsKey } from "./state/keys/setting-keys.ts";
import { keepDisplayMemory } from "./state/display-memory.ts";
import { managedDisplays, onTheScreen } from "./state/managed-display.ts";
import { ManualOverrides } from "./state/manual-overrides.ts";
import { RuleClaims } from "./state/rule-claims.ts";
import { RegulatorReport } from "./state/regulator-report.ts";
import { ReportedState } from "./state/reported-state.ts";
import type { StorageIssue } from "./storage/document-store.ts";
import { SoftwareReporter } from "./updates/software-reporter.ts";
import { Telemetry } from "./telemetry/telemetry.ts";

/** Creates the parts of the agent and loads their stored state. */
export async function createParts(ports: AgentPorts, settings: AgentSettings): Promise<AgentParts> {
  const { clock, timers, random, log, documents, platform, outbox } = ports;
  // Assigned below; parts created earlier refer to them.
  let madeDesired: DesiredState | undefined = undefined;
  let madeScreen: ScreenWatch | undefined = undefined;
  const link = new LinkHandle(clock.monotonicMs());
  const send: AgentParts["send"] = (message) => link.send(message);
  const reported = await ReportedState.load({ store: documents, clock, timers, random, log: log.child({ part: "reported" }), send });
  const alarms = await AlarmBoard.load({ store: documents, sink: outbox, clock, timers, log: log.child({ part: "alarms" }) });
  const identity = await createIdentity(ports, settings);
  const { damage } = identity.ownership;
  if (damage !== undefined) alarms.raise("owner.damaged", "critical", damage.message);
  const migration = await Migration.load({
    documents, ownership: identity.ownership, clock, timers, random, alarms,
    log: log.child({ part: "migration" }), policy: DEFAULT_MIGRATION_POLICY, configured: settings.endpoints,
    plainAllowed: settings.config["cloud.allowPlain"],
  });
  const { way, network, wayKeys } = await createWay(ports, alarms, migration, settings.config["cloud.allowPlain"]);
  if (settings.provisioningIssue !== undefined) identity.pairing.notice("file", fileSentence(settings.provisioningIssue));
  const setup = new Setup({
    radio: platform.wifiSetup, door: ports.setupDoor, network, way, deviceId: ports.deviceId,
    file: settings.provisioning?.network, fileUsed: () => settings.provisioning?.used("network"),
    location: settings.provisioning ?? {}, place: platform.place, clockControl: platform.clock, ownerChoseZone: () => madeDesired?.document()?.clock?.timeZone !== undefined,
    ownerChose: () => madeDesired?.document()?.network !== undefined, owned: () => identity.ownership.owner() !== undefined,
    uptimeMs: () => platform.probe.uptimeMs(), clock, timers, random, log: log.child({ part: "setup" }), policy: DEFAULT_SETUP_POLICY,
  });
  const overrides = await ManualOverrides.load({ store: documents, clock, log });
  const schedule = new ScheduleRunner({
    schedule: () => madeDesired?.document()?.schedule,
    clockControl: platform.clock, reporter: reported, clock, timers, log: log.child({ part: "schedule" }),
  });
  const displays = managedDisplays(platform.displays ?? [], { clock, timers, log });
  const claims = new RuleClaims(displays, log);
  const forgetDisplays = await keepDisplayMemory({ documents, displays, log: log.child({ part: "displays" }) });
  const content = new ContentService({ provider: ports.content, documents, clock, timers, random, log: log.child({ part: "content" }) });
  await content.restore();
  const storageTrials = new StorageTrials(platform.probe, timers);
  const telemetry = Telemetry.create({ probe: platform.probe, storageTrial: () => storageTrials.newest(), network: platform.network, sink: outbox, clock, timers, log: log.child({ part: "telemetry" }), config: settings.config });
  const player = new PlayerService({
    link: ports.player, events: outbox, reporter: reported, clock, timers, log: log.child({ part: "player" }),
    onMetrics: (metrics) => telemetry.playerMetrics(metrics),
    onLost: (count) => alarms.happened("player.records-lost", "error", `${count} events and plays stored by the player host are lost because its file was damaged`, { count }),
    verdict: () => madeScreen?.current()?.verdict ?? "unknown",
    contentLabel: (id) => contentLabel(content.state(), id),
  });
  const page = new PageConfig(log);
  const uploadHosts = (): readonly string[] => madeDesired?.document()?.cloud?.uploadHosts ?? splitList(settings.config["cloud.uploadHosts"]);
  const buses = platform.cecBuses ?? (platform.cec === undefined ? [] : [{ cec: platform.cec }]);
  const tv = new TvWatch({ buses, displays, events: outbox, clock, timers, log: log.child({ part: "tv" }) });
  const rules = await LocalRules.load({
    claims, desired: () => existing(madeDesired), displays: displays.map(({ name, path, display }) => ({ name, path, canSwitch: display.capabilities.settable.power !== undefined })),
    gpio: platform.gpio, player: ports.player, tv, hearsCec: buses.some(({ cec }) => cec.onMessage !== undefined), watchedLines: splitList(settings.config["gpio.inputs"]),
    clockIsSet: () => schedule.quality() !== "unset", zoneTable: (timeZone) => platform.clock.zoneTable?.(timeZone),
    documents, sink: outbox, reporter: reported, clock, timers, random, log: log.child({ part: "rules" }),
  });
  const handlers: readonly DesiredKeyHandler[] = [
    ...displayKeys(displays, schedule.says),
    ...audioKeys(platform.audio),
    timeZoneKey(platform.clock),
    scheduleKey(clock, schedule, schedule.says),
    rulesKey(rules),
    telemetryKey(clock, telemetry),
    logLevelKey(clock, { current: () => ports.logLevel(), set: (level) => Promise.resolve(ok(ports.setLogLevel(level as "debug"))) }),
    contentKey(contentTarget({ service: content, player: ports.player, clock, timers })),
    ...wayKeys,
    uploadHostsKey(clock, uploadHosts),
    playerConfigKey(clock, page),
  ];
  const desired = await DesiredState.load({
    deviceId: ports.deviceId, verify: identity.verify, store: documents, overrides, claims, reporter: reported, alarms, handlers,
    clock, timers, random, log: log.child({ part: "desired" }),
  });
  madeDesired = desired;
  const powerOf = (path: string): Decision => {
    const document = desired.document();
    return desired.decide(`${path}.power`, document === undefined ? undefined : wantedIn(document, path, "power", schedule.says));
  };
  const expectationOf = (path: string): ScreenExpectation => screenExpectation(powerOf(path));
  const powerKeys = new Map(displays.map(({ path }) => [`${path}.power`, path]));
  const regulators = new RegulatorReport({
    keys: [...powerKeys.keys(), "content"], reporter: reported,
    decide: (key) => {
      const path = powerKeys.get(key);
      return path === undefined ? desired.decide(key) : powerOf(path);
    },
  });
  const expectation = (): ScreenExpectation => expectationOf("display");
  const screen = new ScreenWatch({
    player: ports.player, outputs: platform.outputs, expectation, contentWanted: () => desired.decide("content").wanted !== undefined, notReady: () => notReady(content.state()), reporter: reported, alarms, clock, timers, log: log.child({ part: "screen" }),
    displays: onTheScreen(displays).map(({ name, path, status, display }) => ({ name, status, capabilities: display.capabilities, expectation: () => expectationOf(path) })),
  });
  madeScreen = screen;
  const scene = new SceneKeeper({
    deviceId: ports.deviceId, content, player, ...identity, setup: () => setup.screen(),
    blank: () => displays[0]?.display.capabilities.settable.power === undefined && expectation().expect === "off",
  });
  const software = platform.software && new SoftwareReporter(platform.software, reported, timers, log.child({ part: "software" }));
  const serverClock = new ServerClock(clock);
  const judgingClock = new JudgingClock({ clock, serverClock, alarms, quality: () => schedule.quality() });
  return {
    link, send, reported, alarms, ...identity, way, wayKeys: wayKeys.map(({ key }) => key), migration, network, setup, rules, claims, regulators, schedule, displays, forgetDisplays,
    content, telemetry, storageTrials, player, page, desired, expectation, screen, tv, scene, serverClock, judgingClock, uploadHosts,
    ...(software !== undefined && { software }),
  };
}

function existing<T>(made: T | undefined): T {
  if (made === undefined) throw new Error("a part is used before it is created");
  return made;
}

function splitList(text: string): readonly string[] {
  return text.split(",").filter((name) => name !== "");
}

/** Creates the parts that change how the device reaches its cloud (migration and network change), one change at a time. */
async function createWay(
  ports: AgentPorts,
  alarms: AlarmBoard,
  migration: Migration,
  plainAllowed: boolean,
): Promise<Pick<AgentParts, "way" | "network"> & { readonly wayKeys: readonly DesiredKeyHandler[] }> {
  const { clock, timers, random, log, documents, crypto, platform } = ports;
  const way = new WayToCloud(log);
  const deps = { settings: platform.networkSettings, proxy: ports.cloudProxy };
  const network = await NetworkChange.load({
    ...deps, documents, crypto, way, clock, timers, random, alarms, log: log.child({ part: "network" }), policy: DEFAULT_NETWORK_POLICY,
  });
  const wayKeys = [endpointsKey(migrationTarget(migration, clock), plainAllowed), networkKey(networkTarget(network, deps, clock))].map((key) => exclusiveKey(key, way));
  return { way, network, wayKeys };
}

async function createIdentity(ports: AgentPorts, settings: AgentSettings): Promise<Pick<AgentParts, "ownership" | "pairing" | "verify">> {
  const { documents, crypto, deviceId, log, clock, timers } = ports;
  const expectedKey = settings.provisioning?.ownerCommandKey;
  const ownership = await Ownership.load({
    documents, crypto, deviceId, log: log.child({ part: "owner" }),
    highestNumber: (owner) => highestNumber(ports.journal, owner),
    ...(expectedKey !== undefined && { expectedKey }),
  });
  const pairing = new Pairing({ clock, timers, log, deviceId, link: { kind: "offline", sinceMs: clock.monotonicMs() } });
  return { ownership, pairing, verify: signatureVerifier(ownership, crypto) };
}

/** The same as `ENTRIES_MAX` in commands/command-service.ts. */
const JOURNAL_ENTRIES_MAX = 2_000;

/** The highest command number of this owner in the journal. A release must have a higher one. */
async function highestNumber(journal: JournalStore, owner: string): Promise<Result<number, StorageIssue>> {
  const entries = await journal.recent(JOURNAL_ENTRIES_MAX);
  const floor = await journal.floor(owner);
  if (!entries.ok || !floor.ok) return entries.ok ? floor : entries;
  return ok(Math.max(floor.value, ...entries.value.filter((entry) => entry.owner === owner).map(numberUsedBy)));
}
