import { memoryUsage, uptime } from "node:process";
import type { Agent } from "../core/agent.ts";
import type { UnitStatus } from "../../platform/runtime/supervisor.ts";
import type { StatusAnswer } from "./local-api/answers.ts";

/** The answer behind `vitrine status`. */
export function statusOf(agent: Agent, data: string): StatusAnswer {
  const { ports, settings, parts, link } = agent;
  const owner = parts.ownership.owner();
  const pairing = parts.pairing.view();
  const document = parts.reported.document();
  const screen = parts.screen.current();
  const setup = parts.setup.screen();
  return {
    deviceId: ports.deviceId,
    ...(settings.name !== "" && { name: settings.name }),
    agentVersion: settings.version,
    pid: process.pid,
    adapter: ports.platform.name,
    evidence: ports.platform.evidence,
    data,
    bootId: ports.bootId,
    uptimeMs: Math.round(uptime() * 1000),
    rssBytes: memoryUsage.rss(),
    owner: owner === undefined ? { kind: "unclaimed" } : { kind: "claimed", name: owner.name, key: owner.fingerprint },
    ...(pairing.code !== undefined && pairing.claimUrl !== undefined && { pairing: { code: pairing.code, claimUrl: pairing.claimUrl } }),
    ...(setup !== undefined && { setup: { ssid: setup.ssid, url: setup.url } }),
    linkSentence: owner === undefined ? pairing.status : linkSentence(agent),
    link: link.status(),
    ...(document.player && { player: document.player }),
    ...(document.browser && { browser: document.browser }),
    ...(screen && { screen }),
    ...(document.software && { software: document.software }),
    desiredVersion: parts.desired.version(),
    outbox: ports.outbox.ranges(),
    openCommands: agent.commands.openCommands().length,
    units: Object.fromEntries([...agent.supervisor.status()].map(([name, status]) => [name, unitText(status)])),
    alarms: [...parts.alarms.active()].map(([code, { severity, message }]) => ({ code, severity, message })),
    timers: ports.timers.pending().map(({ name }) => name),
    counters: countersOf(agent),
  };
}

function linkSentence(agent: Agent): string {
  const status = agent.link.status();
  return status.kind === "online" ? `online at ${status.endpoint}` : agent.parts.pairing.view().status;
}

function unitText(status: UnitStatus): string {
  const restarts = status.restarts === 0 ? "" : ` (restarted ${status.restarts} times)`;
  return status.kind === "waiting" ? `failed and is waiting to be restarted${restarts}: ${status.lastError.split("\n")[0] ?? ""}` : `${status.kind}${restarts}`;
}

/** Counters of all parts, flattened to dotted names. */
function countersOf(agent: Agent): Readonly<Record<string, number>> {
  const groups = { commands: agent.commands.counters(), link: agent.link.counts(), page: agent.parts.player.refused(), outbox: agent.ports.outbox.status().counters };
  const flat: Record<string, number> = {};
  for (const [group, counters] of Object.entries(groups)) flatten(group, counters, flat);
  return flat;
}

function flatten(prefix: string, value: unknown, into: Record<string, number>): void {
  if (typeof value === "number") into[prefix] = value;
  else if (typeof value === "object" && value !== null) for (const [key, inner] of Object.entries(value)) flatten(`${prefix}.${key}`, inner, into);
}
