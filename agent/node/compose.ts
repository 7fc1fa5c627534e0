import { resolve } from "node:path";
import { playerSocketPath, socketPath } from "../../player-host/contract/socket-path.ts";
import { openPlatform, type OpenedPlatform } from "../../platform/detect.ts";
import { CERTIFICATES_DIR } from "../../platform/linux/device-certificates.ts";
import { runCommand } from "../../platform/linux/command-runner.ts";
import { keyFromSeed, nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { SystemTimers, systemClock } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import type { OpenPlace } from "../../platform/node/private-tree.ts";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Issue } from "../../platform/ports/result.ts";
import { Supervisor, type Unit } from "../../platform/runtime/supervisor.ts";
import { Agent } from "../core/agent.ts";
import type { AgentPorts, AgentSettings } from "../core/agent-ports.ts";
import type { Transport } from "../core/cloud/cloud-port.ts";
import { GatedTransport } from "../core/cloud/gated-transport.ts";
import { DEFAULT_LINK_POLICY } from "../core/cloud/link-policy.ts";
import { LOOPS, LoopProgress } from "../core/health/loop-progress.ts";
import { deviceIdOf } from "../core/identity/identity.ts";
import { answerPortal } from "../core/setup/portal.ts";
import type { SetupDoor } from "../core/setup/setup.ts";
import { HostLink } from "../core/player/host-link.ts";
import type { PlayerLink } from "../core/player/player-port.ts";
import type { ReadConfig } from "./config/read-config.ts";
import { PackageProvider } from "./content/package-provider.ts";
import { EXIT } from "./exit-codes.ts";
import { loadDeviceKey } from "./identity/device-key-file.ts";
import { readProvisioning, type Provisioning } from "./identity/provisioning.ts";
import { isLeftOnBoot, leftOnBootText, refusedProvisioning } from "./identity/take-provisioning.ts";
import { removeUsedEntry, type UsedEntry } from "./identity/used-entries.ts";
import { LocalServer, type LocalServerOptions } from "./local-api/local-server.ts";
import { localMethods } from "./local-api/local-methods.ts";
import { Listening } from "./listening.ts";
import { logSource } from "./log-files.ts";
import { machineChecks } from "./machine-checks.ts";
import { readReleaseKeys } from "../updater/release-keys.ts";
import type { Paths } from "./paths.ts";
import type { LogLevel, PinoLog } from "./pino-log.ts";
import { findPlayerGroup, ownMembership, shareFolder, type PlayerGroup } from "./player-group.ts";
import { servePlayerSocket } from "./player-socket.ts";
import { createPortalServer } from "./setup/portal-server.ts";
import { loopbackDoor, systemdDoor } from "./setup/setup-doors.ts";
import { reportFindings } from "./report-findings.ts";
import { simulatedHooks } from "./simulated-hooks.ts";
import { openStores } from "./stores.ts";
import { Systemd } from "./systemd.ts";
import type { HttpSettings } from "./transport/http-exchange.ts";
import { ProxySetting } from "./transport/proxy-setting.ts";
import { trustAuthorities } from "./transport/trusted-authorities.ts";
import { exactIssue } from "./transport/way-out.ts";
import { WsTransport } from "./transport/ws-transport.ts";
import { DiskUpdateFiles } from "./updates/disk-update-files.ts";
import { DEFAULT_UPLOAD_POLICY, HttpUploader } from "./uploads/http-uploader.ts";

const SYSTEMCTL_TIMEOUT_MS = 15_000;

export interface ComposeOptions {
  readonly config: ReadConfig;
  readonly paths: Paths;
  readonly pino: PinoLog;
  readonly version: string;
  /** Places in the data folder that other users can read and that could not be closed to them. */
  readonly openPlaces: readonly OpenPlace[];
  readonly signal: AbortSignal;
}

/** The Node agent: the core with the adapters and stores of this machine. */
export interface ComposedAgent {
  readonly agent: Agent;
  run(signal: AbortSignal): Promise<void>;
}

/** Composition root: the only place that names the concrete classes of the Node agent. */
export async function compose(options: ComposeOptions): Promise<ComposedAgent> {
  const { config, paths, pino } = options;
  const { log } = pino;
  const progress = new LoopProgress(systemClock, LOOPS);
  const timers = progress.watch(new SystemTimers());
  const platform = await openMachine(options, timers);
  // The simulated machine has its own clock, which can be stepped.
  const clock: Clock = platform.world?.deviceClock() ?? systemClock;
  const bootId = await platform.adapter.power.bootId();
  const quality = await platform.adapter.clock.quality();
  const stores = await openStores({ paths, capBytes: config.values["outbox.bytesMax"], bootId, quality, clock, timers, random: systemRandom, log });
  const loaded = loadDeviceKey({ folder: paths.identity, random: systemRandom, wallMs: () => clock.wallMs(), keyFromSeed });
  const deviceId = await deviceIdOf(nodeCrypto, loaded.key.publicKey);
  const place = socketPlaceOf(config.values["sockets.dir"] === "" ? paths.data : resolve(config.values["sockets.dir"]));
  const listening = new Listening(["player.sock", "agent.sock"]);
  const playerGroup = playerGroupOf(config, paths, log);
  const player = new HostLink({ clock, timers, log: log.child({ part: "player-link" }) });
  const servePlayer = (signal: AbortSignal): Promise<void> =>
    servePlayerSocket({ path: playerSocketPath(place).path, link: player, timers, group: playerGroup, onListening: () => listening.note("player.sock") }, signal);
  const noProxy = config.values["cloud.noProxy"];
  // One proxy setting for the link, uploads, packages and the page.
  const cloudProxy = new ProxySetting(config.values["cloud.proxy"][0], (proxy) => player.setWayOut({ ...(proxy !== undefined && { proxy }), ...(noProxy !== "" && { noProxy }) }));
  const http: HttpSettings = { proxy: () => cloudProxy.current(), noProxy };
  log.debug({ ...trustAuthorities({ caFile: config.values["cloud.caFile"], log }) }, "trusted certificates");
  const settings = settingsOf(options, provisioningOf(options, log), log);
  let made: Agent | undefined = undefined;
  const ports: AgentPorts = {
    clock, timers, random: systemRandom, crypto: nodeCrypto, log, key: loaded.key, deviceId, bootId, player,
    platform: platform.adapter,
    content: new PackageProvider({
      root: paths.content, keepFreeBytes: config.values["disk.keepFreeBytes"], http, localNetworkOrigins: config.values["player.localNetworkOrigins"], clock, log: log.child({ part: "packages" }),
    }),
    updates: new DiskUpdateFiles({ folder: paths.updates, keepFreeBytes: config.values["disk.keepFreeBytes"], http }),
    documents: stores.documents, journal: stores.journal, outbox: stores.outbox,
    transport: createTransport(platform, timers, http, cloudProxy, options.version),
    cloudProxy,
    setupDoor: doorOf(platform, socketPath("setup.sock", place).path, clock, log, () => made),
    linkPolicy: { ...DEFAULT_LINK_POLICY, pingIntervalMs: config.values["cloud.pingMs"], plainAllowed: config.values["cloud.allowPlain"] },
    uploader: (link, rules) => new HttpUploader({ link, rules, clock, timers, random: systemRandom, log: log.child({ part: "uploads" }), http, policy: DEFAULT_UPLOAD_POLICY }),
    logs: logSource(paths.logs, () => pino.flush()),
    setLogLevel: (level: LogLevel) => pino.setLevel(level),
    logLevel: () => pino.level(),
    logTrouble: () => pino.trouble(),
    storageIssues: () => stores.findings,
    healthy: () => progress.healthy(),
    checks: machineChecks(paths.data, config.file, () => settings.endpoints, config.values["player.group"], {
      openPlaces: options.openPlaces, logTrouble: () => pino.trouble(), certificates: CERTIFICATES_DIR, setsAccess: () => platform.world === undefined && platform.adapter.networkSettings !== undefined,
    }),
  };
  const agent = await Agent.create(ports, settings);
  made = agent;
  reportFindings({ alarms: agent.parts.alarms, stores, loaded, log, openPlaces: options.openPlaces, leftOnBoot: leftOnBootText(paths.data, CERTIFICATES_DIR), ...(platform.damage && { worldDamage: platform.damage }) });
  if (settings.provisioning?.claimToken !== undefined) forgetUsedToken(agent, settings.provisioning.used);
  platform.world?.setHooks(simulatedHooks(() => playerPid(player), log));
  const local = await createLocal(options, agent, socketPath("agent.sock", place).path, platform, { playerGroup, onListening: () => listening.note("agent.sock") });
  return { agent, run: (signal) => run({ agent, servePlayer, local, listening, platform, progress, timers, log }, signal) };
}

async function openMachine({ config, paths, pino, version }: ComposeOptions, timers: Timers): Promise<OpenedPlatform> {
  const { values } = config;
  return openPlatform({
    platform: values.platform,
    clock: systemClock, timers, random: systemRandom,
    dataDir: paths.data,
    worldPath: paths.simulatedWorld,
    displays: values.displays,
    gpioLines: values["gpio.lines"],
    gpioChip: values["gpio.chip"],
    cec: values.cec,
    audio: { output: values["audio.output"], socketsDir: values["audio.socketsDir"] },
    compositorSocket: values["compositor.socket"],
    updaterSocket: values["updates.socket"],
    ...(values["watchdog.hardware"] && { watchdogPath: "/dev/watchdog" }),
    onMachineGone: (kind) => {
      // The simulated machine went down. Like a real one, it leaves no time for cleanup.
      pino.flush();
      process.exit(kind === "reboot" ? EXIT.machineReboot : EXIT.machineOff);
    },
    simulatedUpdater: async (world) => {
      const { SimulatedUpdater } = await import("./simulated-updater.ts");
      const folders = [paths.releaseKeys, "/etc/vitrine/release-keys"];
      return new SimulatedUpdater({
        world, timers, log: pino.log.child({ part: "updater" }), crypto: nodeCrypto, version,
        keys: () => readReleaseKeys(folders), keysAre: folders.join(" and "),
        onRestart: () => {
          pino.flush();
          process.exit(EXIT.restart);
        },
      });
    },
  });
}

function createTransport(platform: OpenedPlatform, timers: Timers, http: HttpSettings, proxy: ProxySetting, version: string): Transport {
  const { clock: clockControl, network, networkSettings } = platform.adapter;
  const dot1x = networkSettings?.dot1x;
  const explain = (issue: Issue, url: URL, proxied: boolean): Promise<Issue> => exactIssue(issue, url, { network, proxied, ...(dot1x === undefined ? {} : { access: () => dot1x.access() }), wallMs: () => systemClock.wallMs() });
  const ws = new WsTransport({ ...http, timers, clockQuality: () => clockControl.quality(), explain, userAgent: `vitrine-agent/${version}` });
  const { world } = platform;
  if (world === undefined) return ws;
  // The development cloud is on loopback and bypasses any proxy. The simulated world decides whether the proxy that desired state chose
  // would work.
  return new GatedTransport(ws, { allowed: () => world.reachesCloud(proxy.chosen()), onChange: (changed) => world.onChange(changed) });
}

/** An unusable group locks the player host out but must not stop the agent; the log and `vitrine doctor` report it. */
function playerGroupOf({ values }: ReadConfig, paths: Paths, log: Log): PlayerGroup | undefined {
  if (values["player.group"] === "") return undefined;
  const found = findPlayerGroup(values["player.group"], ownMembership());
  const shared = found.ok ? shareFolder(paths.content, found.value) : found;
  if (!shared.ok) log.error({ ...shared.error }, "the player host may have no access");
  return found.ok ? found.value : undefined;
}

interface FoundProvisioning {
  readonly file?: Provisioning;
  readonly issue?: Issue;
}

/**
 * A bad provisioning file is logged, shown on the screen and otherwise ignored: the device still shows its pairing code. One that
 * the step before the agent refused is still on the boot partition; what an earlier file set stays.
 */
function provisioningOf({ config, paths }: ComposeOptions, log: Log): FoundProvisioning {
  const refused = refusedProvisioning(paths.data);
  const left = isLeftOnBoot(paths.data);
  const boot = config.values["provisioning.path"];
  const read = readProvisioning([...(refused === undefined && !left ? [boot] : []), paths.provisioning], config.values["cloud.allowPlain"]);
  const issue = refused ?? (read.ok ? undefined : read.error);
  if (issue !== undefined) log.error({ ...issue }, "the provisioning file cannot be used");
  return { ...(read.ok && read.value && { file: read.value }), ...(issue && { issue }) };
}

/** Removes an entry that was used from the provisioning file. Secrets on the boot partition can be read by anybody with the card. */
function forgetEntry(path: string, entry: UsedEntry, log: Log): void {
  const removed = removeUsedEntry(path, entry);
  if (!removed.ok) log.warn({ ...removed.error }, "a used secret is still readable");
  else if (removed.value) log.info({ path, entry }, "a used entry was removed from the provisioning file");
}

/** Removes the claim token once the device has an owner. */
function forgetUsedToken({ parts: { ownership } }: Agent, used: (entry: UsedEntry) => void): void {
  const forget = (): void => {
    if (ownership.owner() === undefined) return;
    undo();
    used("claimToken");
  };
  const undo = ownership.onChange(forget);
  forget();
}

function doorOf(platform: OpenedPlatform, path: string, clock: Clock, log: Log, agent: () => Agent | undefined): SetupDoor {
  const view = () => agent()?.parts.setup.portalView();
  const server = () => createPortalServer({
    clock, log: log.child({ part: "portal" }),
    answer: (request) => {
      agent()?.parts.setup.visited();
      return answerPortal({ view, choose: (choice) => agent()?.parts.setup.choose(choice) ?? false }, request);
    },
  });
  if (platform.world !== undefined) return loopbackDoor(server, path);
  return systemdDoor({ server, path, control: (verb, unit) => runCommand("systemctl", [verb, "--no-ask-password", unit], SYSTEMCTL_TIMEOUT_MS) });
}

function settingsOf({ config, version }: ComposeOptions, { file, issue }: FoundProvisioning, log: Log): AgentSettings {
  const configured = config.values["cloud.endpoints"];
  return {
    version,
    config: config.values,
    configIssues: config.issues,
    endpoints: configured.length > 0 ? configured : (file?.endpoints ?? []),
    name: config.values["device.name"] === "" ? (file?.deviceName ?? "") : config.values["device.name"],
    ...(file && { provisioning: { ...file, used: (entry: UsedEntry) => forgetEntry(file.path, entry, log) } }),
    ...(issue && { provisioningIssue: issue }),
    facts: {},
  };
}

async function createLocal(options: ComposeOptions, agent: Agent, path: string, platform: OpenedPlatform, access: LocalServerOptions): Promise<LocalServer> {
  const { config, paths, pino, signal } = options;
  const methods = localMethods({ agent, config, paths, signal, flushLog: () => pino.flush() });
  const simulated = platform.world === undefined ? {} : (await import("./local-api/simulated-methods.ts")).simulatedMethods(platform.world);
  return new LocalServer(path, { ...methods, ...simulated }, pino.log.child({ part: "local" }), access);
}

interface Running {
  readonly agent: Agent;
  readonly servePlayer: (signal: AbortSignal) => Promise<void>;
  readonly local: LocalServer;
  readonly listening: Listening;
  readonly platform: OpenedPlatform;
  readonly progress: LoopProgress;
  readonly timers: Timers;
  readonly log: Log;
}

/** Runs until `signal` aborts. The core supervises its own parts; the two sockets and systemd are handled here. */
async function run({ agent, servePlayer, local, listening, platform, progress, timers, log }: Running, signal: AbortSignal): Promise<void> {
  const systemd = new Systemd({ env: process.env, timers, log, healthy: () => progress.healthy() });
  const units: readonly Unit[] = [
    { name: "player-link", run: servePlayer },
    { name: "local-api", run: (stop) => local.run(stop) },
  ];
  log.info({ deviceId: agent.ports.deviceId, adapter: platform.adapter.name, evidence: platform.adapter.evidence }, "the agent starts");
  for (const issue of platform.adapter.issues?.() ?? []) log.warn({ ...issue }, "a part of the hardware cannot be used as it is configured or expected");
  // Ready means that the sockets exist. Report it after the timeout as well, or systemd would restart the agent again and again on a disk
  // that takes no sockets.
  const late = (missing: string): void => log.warn({ missing }, "reporting readiness although sockets are missing");
  void listening.all(timers, signal).then((missing) => {
    if (missing !== undefined && !signal.aborted) late(missing);
    if (!signal.aborted) systemd.ready();
  });
  try {
    // If the core fails, stop the sockets too, so that they do not look like a running agent.
    const broken = new AbortController();
    const either = AbortSignal.any([signal, broken.signal]);
    const core = agent.run(either).finally(() => broken.abort());
    const [ended] = await Promise.allSettled([core, new Supervisor(units, agent.ports).run(either)]);
    if (ended.status === "rejected") throw ended.reason;
  } finally {
    systemd.stopping();
    await platform.adapter.close();
    log.info({}, "the agent stopped");
  }
}

function playerPid(player: PlayerLink): number | undefined {
  const status = player.status();
  return status.kind === "present" ? status.pid : undefined;
}
