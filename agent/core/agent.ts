import { Supervisor, type Unit } from "../../platform/runtime/supervisor.ts";
import type { HostPower } from "../../platform/ports/host.ts";
import { hostOf, type UploadRules } from "../protocol/upload-address.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { AgentPorts, AgentSettings } from "./agent-ports.ts";
import { sessionHandlers } from "./agent-session.ts";
import { wireParts } from "./agent-wiring.ts";
import { CloudLinkRunner } from "./cloud/cloud-link.ts";
import { buildProfile, type Profile } from "./commands/capabilities.ts";
import { CommandService } from "./commands/command-service.ts";
import type { ExecutorTable } from "./commands/executor.ts";
import type { Diagnostics } from "./commands/services.ts";
import { capturePicture } from "./commands/executors/screenshot-executor.ts";
import type { Uploader } from "./commands/uploader.ts";
import { softwareUpdateExecutor } from "./updates/software-update-executor.ts";
import { buildExecutorTable } from "./commands/executor-table.ts";
import { noteOverrides } from "./commands/note-overrides.ts";
import { createParts } from "./create-parts.ts";
import { certificateSource } from "./health/certificate-source.ts";
import { coreChecks } from "./health/core-checks.ts";
import { CheckList, type DiagnosticCheck } from "./health/diagnostic-check.ts";
import { Health } from "./health/health.ts";
import { browserSource, clockSource, configSource, diskSource, hardwareSource, logSource, outboxSource, playerLogSource, playerSource, rulesSource, storageSource, temperatureSource } from "./health/health-source.ts";
import { fileSystemSource, ioPressureSource, memoryPressureSource, storageTrialSource, throttlingSource, undervoltageSource, wearSource } from "./health/machine-sources.ts";
import { inventoryOncePerBoot } from "./inventory-cache.ts";
import { drainFactory } from "./outbox/drain.ts";
import { createRecovery, type Recovery } from "./recovery/recovery.ts";
import { HardwareReporter } from "./state/hardware-reporter.ts";

/** The agent. It reaches the machine only through its ports. */
export class Agent {
  readonly ports: AgentPorts;
  readonly settings: AgentSettings;
  readonly parts: AgentParts;
  readonly link: CloudLinkRunner;
  readonly commands: CommandService;
  readonly supervisor: Supervisor;
  readonly profile: Profile;
  readonly diagnostics: Diagnostics;
  readonly health: Health;
  readonly #recovery: Recovery;

  /** Loads stored state and builds every part. Starts nothing. */
  static async create(ports: AgentPorts, settings: AgentSettings): Promise<Agent> {
    const parts = await createParts(ports, settings);
    const diagnostics = new CheckList(checksOf(ports, settings, parts), ports.timers, ports.log.child({ part: "checks" }));
    const recovery = await createRecovery(ports, settings, parts);
    const executors = executorsOf(ports, settings, parts, { diagnostics, power: recovery.power });
    const { platform, documents, log } = ports;
    const inventory = await inventoryOncePerBoot(platform.probe, documents, `${ports.bootId}/${settings.version}`, log);
    const profile = await buildProfile(platform, inventory, executors, ports.crypto);
    return new Agent(ports, settings, parts, { diagnostics, executors, profile, recovery });
  }

  private constructor(ports: AgentPorts, settings: AgentSettings, parts: AgentParts, made: { diagnostics: Diagnostics; executors: ExecutorTable; profile: Profile; recovery: Recovery }) {
    this.ports = ports;
    this.settings = settings;
    this.parts = parts;
    this.profile = made.profile;
    this.diagnostics = made.diagnostics;
    this.#recovery = made.recovery;
    this.commands = createCommands(ports, parts, made.executors);
    this.link = createLink(ports, settings, parts, this.commands, made.profile);
    parts.link.attach(this.link);
    parts.migration.attach(this.link);
    parts.network.attach(this.link);
    this.health = this.#createHealth();
    this.supervisor = new Supervisor(this.#units(), ports);
  }

  /** Runs until `signal` aborts. Resolves when every part has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const undo = await wireParts(this);
    try {
      await this.supervisor.run(signal);
    } finally {
      undo();
      this.parts.migration.stop();
      this.parts.pairing.stop();
      await this.ports.outbox.close();
    }
  }

  #createHealth(): Health {
    const { parts, ports, settings } = this;
    const { clock, timers, log, platform } = ports;
    const sources = [
      diskSource(platform.probe, settings.config["disk.keepFreeBytes"]),
      temperatureSource(platform.probe),
      rulesSource(parts.rules, parts.displays),
      undervoltageSource(platform.probe),
      throttlingSource(platform.probe),
      fileSystemSource(platform.probe),
      wearSource(platform.probe),
      storageTrialSource(parts.storageTrials),
      memoryPressureSource(platform.probe),
      ioPressureSource(platform.probe),
      clockSource(platform.clock),
      ...(platform.networkSettings?.dot1x === undefined ? [] : [certificateSource(platform.networkSettings, clock)]),
      playerSource(ports.player, clock),
      browserSource(ports.player),
      outboxSource(ports.outbox),
      storageSource(() => ports.storageIssues()),
      logSource(() => ports.logTrouble?.()),
      playerLogSource(ports.player),
      configSource(settings.configIssues),
      hardwareSource(() => platform.issues?.() ?? []),
      ...this.#recovery.sources,
    ];
    return new Health({ sources, units: () => this.supervisor.status(), reporter: parts.reported, alarms: parts.alarms, timers, log: log.child({ part: "health" }) });
  }

  #units(): readonly Unit[] {
    const { parts, ports } = this;
    const { clock, timers, random, log, platform } = ports;
    const hardware = new HardwareReporter({
      platform, displays: parts.displays, reporter: parts.reported, outbox: ports.outbox,
      clock, timers, random, log: log.child({ part: "hardware" }), onTimeZone: (zone) => parts.page.zoneIs(zone),
    });
    const unit = (name: string, part: { run(signal: AbortSignal): Promise<void> }): Unit => ({ name, run: (signal) => part.run(signal) });
    return [
      unit("commands", this.commands),
      unit("content", parts.content),
      unit("schedule", parts.schedule),
      unit("desired", parts.desired),
      unit("rules", parts.rules),
      unit("screen", parts.screen),
      unit("hardware", hardware),
      unit("telemetry", parts.telemetry),
      unit("storage-trials", parts.storageTrials),
      unit("alarms", parts.alarms),
      unit("health", this.health),
      unit("network", parts.network),
      unit("setup", parts.setup),
      ...(parts.software === undefined ? [] : [unit("software", parts.software)]),
      unit("link", this.link),
      ...this.#recovery.units,
    ];
  }
}

function checksOf(ports: AgentPorts, settings: AgentSettings, parts: AgentParts): readonly DiagnosticCheck[] {
  return coreChecks({
    platform: ports.platform, player: ports.player, outbox: ports.outbox, clock: ports.clock, machine: ports.checks,
    displays: parts.displays,
    screen: () => parts.screen.current(),
    link: () => parts.link.status(),
    owner: () => parts.ownership.owner(),
    pairingCode: () => parts.pairing.view().code,
    storageIssues: () => ports.storageIssues(),
    configIssues: settings.configIssues,
    hardwareIssues: () => ports.platform.issues?.() ?? [],
    keepFreeBytes: settings.config["disk.keepFreeBytes"],
  });
}

function executorsOf(ports: AgentPorts, settings: AgentSettings, parts: AgentParts, { diagnostics, power }: { diagnostics: Diagnostics; power: HostPower }): ExecutorTable {
  const { platform, player, clock, timers, logs } = ports;
  const { gpio } = platform;
  const adapter = { ...platform, power, ...(gpio !== undefined && { gpio: parts.rules.lines.forCommands(gpio) }) };
  const uploader = ports.uploader(parts.link, uploadRules(settings, parts));
  const table = buildExecutorTable({
    adapter, displays: parts.displays, player, clock, timers, logs,
    uploader,
    telemetry: parts.telemetry,
    diagnostics,
    overrides: { keys: () => parts.desired.byHand(), end: (key) => parts.desired.endByHand(key) },
    label: () => (settings.name === "" ? ports.deviceId.slice(0, 8) : settings.name),
  });
  return noteOverrides(
    { ...table, ...updateExecutor(ports, settings, parts, uploader) },
    (key, value) => parts.desired.noteByHand(key, value),
    (key, value) => parts.desired.forgetCommand(key, value),
  );
}

function updateExecutor({ platform, player, updates, clock, timers, random }: AgentPorts, { version }: AgentSettings, parts: AgentParts, uploader: Uploader): ExecutorTable {
  const { software, screenshot } = platform;
  if (software === undefined || updates === undefined) return {};
  return {
    "software.update": softwareUpdateExecutor({
      software, files: updates, version, uploader, clock, timers, random,
      verdict: () => parts.screen.current()?.verdict,
      hasPlayer: () => player.status().kind === "present",
      isOnline: () => parts.link.status().kind === "online",
      serverNowMs: () => parts.judgingClock.nowMs(),
      picture: () => capturePicture({ player, ...(screenshot !== undefined && { machine: screenshot }) }, {}),
      changed: () => parts.software?.changed(),
    }),
  };
}

function uploadRules(settings: AgentSettings, parts: AgentParts): UploadRules {
  let known: string | undefined;
  return {
    // Uploads continue while the link is down, so the last session's host stays allowed.
    linkHost: () => {
      const status = parts.link.status();
      if (status.kind === "online") known = hostOf(status.endpoint);
      return known;
    },
    hosts: parts.uploadHosts,
    plainAllowed: settings.config["cloud.allowPlain"],
  };
}

function createCommands(ports: AgentPorts, parts: AgentParts, executors: ExecutorTable): CommandService {
  const { clock, timers, random, crypto, outbox, platform } = ports;
  return new CommandService({
    deviceId: ports.deviceId, store: ports.journal, executors, verify: parts.verify, send: parts.send, sink: outbox, backlog: outbox,
    clock, timers, random, crypto, log: ports.log.child({ part: "commands" }),
    machine: { bootId: () => platform.power.bootId(), uptimeMs: () => platform.probe.uptimeMs() },
    serverNowMs: () => parts.judgingClock.nowMs(),
  });
}

function createLink(ports: AgentPorts, settings: AgentSettings, parts: AgentParts, commands: CommandService, profile: Profile): CloudLinkRunner {
  const { clock, timers, random, documents, outbox, platform, transport, linkPolicy: policy, key, deviceId, bootId } = ports;
  return new CloudLinkRunner({
    transport, clock, timers, random, policy, key, deviceId, bootId, documents,
    log: ports.log.child({ part: "link" }),
    clockQuality: () => platform.clock.quality(),
    ownerFingerprint: () => parts.ownership.owner()?.fingerprint,
    claimToken: () => (parts.ownership.owner() === undefined ? settings.provisioning?.claimToken : undefined),
    backlog: outbox,
    drain: drainFactory({ backlog: outbox, clock, timers, log: ports.log.child({ part: "drain" }) }),
    handlers: sessionHandlers(ports, settings, parts, commands, () => profile),
    serverClock: parts.serverClock,
    endpoints: parts.migration.endpoints(),
    firstConnectSpreadMs: settings.config["cloud.firstConnectSpreadMs"],
  });
}
