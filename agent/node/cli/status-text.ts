import type { StatusAnswer } from "../local-api/answers.ts";
import { formatBytes, formatDuration, table } from "./table.ts";

/** Output of `vitrine status`; the screen first, because it matters most. */
export function statusText(status: StatusAnswer): string {
  const rows: (readonly string[])[] = [
    ["screen", screenText(status)],
    ...evidenceRows(status),
    ["player", playerText(status)],
    ["cloud", status.linkSentence],
    ...(status.setup === undefined ? [] : [["set-up", `join the Wi-Fi ${status.setup.ssid} (its password is on the screen), then open ${status.setup.url}`]]),
    ["owner", status.owner.kind === "claimed" ? status.owner.name : `nobody yet${status.pairing === undefined ? "" : `; pairing code ${status.pairing.code}`}`],
    ["waiting", waitingText(status)],
    ["commands", status.openCommands === 0 ? "none open" : `${status.openCommands} open`],
    ["desired", status.desiredVersion === 0 ? "none yet" : `version ${status.desiredVersion}`],
    ["device", `${status.name ?? "(no name)"}  ${status.deviceId}`],
    ["agent", `${status.agentVersion}, pid ${status.pid}, up ${formatDuration(status.uptimeMs)}, ${formatBytes(status.rssBytes)}`],
    ...(status.software === undefined ? [] : [["software", softwareText(status.software)]]),
    ["platform", `${status.adapter} (${status.evidence.join("; ")})`],
    ["data", status.data],
  ];
  const alarms = status.alarms.map((alarm) => `! ${alarm.severity}: ${alarm.message} [${alarm.code}]`);
  const broken = Object.entries(status.units).filter(([, text]) => !text.startsWith("running")).map(([name, text]) => `! ${name} ${text}`);
  return [table(rows), ...alarms, ...broken].join("\n");
}

function screenText(status: StatusAnswer): string {
  const screen = status.screen;
  if (screen === undefined) return "unknown: not checked yet";
  return `${screen.verdict} (confidence ${Math.round(screen.confidence * 100)} %)`;
}

/** What each witness of the verdict saw, one a row. */
function evidenceRows({ screen }: StatusAnswer): readonly (readonly string[])[] {
  return (screen?.evidence ?? []).map(({ witness, says }) => ["", `${witness}: ${says}`]);
}

function playerText(status: StatusAnswer): string {
  const player = status.player;
  if (player === undefined) return "unknown";
  switch (player.kind) {
    case "absent":
      return `absent: ${player.why}`;
    case "idle":
      return `${player.shell}, shows our ${player.screen} screen`;
    case "failed":
      return `${player.shell}, ${player.content} failed: ${player.error}`;
    case "loading":
    case "playing":
      return `${player.shell}, ${player.kind} ${player.content}`;
  }
}

function softwareText({ running, confirmed, trial, lastFailed }: NonNullable<StatusAnswer["software"]>): string {
  const state = trial === undefined ? `release ${running}` : `release ${running} on trial; goes back to ${confirmed} unless it proves itself`;
  return lastFailed === undefined ? state : `${state}; release ${lastFailed.version} went back: ${lastFailed.message}`;
}

function waitingText(status: StatusAnswer): string {
  const waiting = Object.entries(status.outbox)
    .map(([stream, range]) => [stream, Math.max(0, range.newest - Math.max(range.oldest - 1, range.stored))] as const)
    .filter(([, count]) => count > 0);
  return waiting.length === 0 ? "nothing" : waiting.map(([stream, count]) => `${count} ${stream}`).join(", ");
}
