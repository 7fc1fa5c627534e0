import type { JsonObject } from "../../platform/runtime/json.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { AgentPorts, AgentSettings } from "./agent-ports.ts";
import type { CloudLinkRunner } from "./cloud/cloud-link.ts";
import type { CommandService } from "./commands/command-service.ts";
import type { Health } from "./health/health.ts";
import { watchRemoteControl } from "./screen/remote-control.ts";
import type { Issue } from "../../platform/ports/result.ts";

const GPIO_DEBOUNCE_MS = 30;

export interface Wired {
  readonly ports: AgentPorts;
  readonly settings: AgentSettings;
  readonly parts: AgentParts;
  readonly link: Pick<CloudLinkRunner, "status" | "onStatus" | "nudge">;
  readonly commands: Pick<CommandService, "cancelAll">;
  readonly health: Pick<Health, "poke">;
}

/**
 * Connects the parts: forwards each part's events to the parts they concern. Makes no decisions.
 * Returns a function that undoes all of it.
 */
export async function wireParts(wired: Wired): Promise<() => void> {
  const { ports, parts, link } = wired;
  const { player, scene, screen, schedule, content, desired, pairing, ownership, reported, setup } = parts;
  const undo: (() => void)[] = [];
  player.start();
  undo.push(() => player.stop());
  undo.push(scene.start());
  undo.push(ports.player.onStatus(() => wired.health.poke()));
  undo.push(watchStage(wired));
  undo.push(watchForDisplay(wired));
  undo.push(watchRegulators(wired));
  undo.push(
    link.onStatus((status) => {
      pairing.linkChanged(status);
      if (status.kind !== "online") reported.onOffline();
      scene.update();
      tellPage(wired);
    }),
  );
  undo.push(
    setup.onChange(() => {
      pairing.notice("network", setup.sentence());
      scene.update();
    }),
    ownership.onChange(() => setup.poke()),
    ports.platform.network.onChange(() => setup.poke()),
  );
  undo.push(
    schedule.onChange(() => {
      desired.poke("display.power");
      screen.poke();
      scene.update();
    }),
  );
  // Timestamps of records made before the clock was set are corrected once it is.
  undo.push(schedule.onClock((quality) => void ports.outbox.clockQuality(quality)));
  undo.push(content.onChange(() => screen.poke()));
  undo.push(desired.onDocument(() => {
    schedule.poke();
    screen.poke();
    scene.update();
  }));
  undo.push(
    ownership.onChange((change) => {
      if (change.kind === "released") void release(wired);
      else pairing.claimed();
      scene.update();
    }),
  );
  // A power cut interrupted a release: the owner was deleted, but their desired state or content was not.
  if (ownership.owner() === undefined && (desired.version() > 0 || parts.content.state().kind !== "none")) await release(wired);
  undo.push(
    parts.page.onChange(() => tellPage(wired)),
    parts.way.onFree(() => {
      for (const key of parts.wayKeys) desired.poke(key);
    }),
  );
  undo.push(...hardwareNews(wired), parts.tv.start(), parts.forgetDisplays);
  undo.push(...(await watchGpio(wired)));
  tellPage(wired);
  report(wired);
  return () => {
    for (const off of undo) off();
  };
}

/** Passes device facts and configuration to the page API. */
function tellPage(wired: Wired): void {
  const { ports, settings, parts, link } = wired;
  const timeZone = parts.page.timeZone();
  // Without grants: the host knows them for each document.
  parts.player.setContext({
    device: {
      id: ports.deviceId,
      ...(settings.name !== "" && { name: settings.name }),
      platform: ports.platform.name,
      agentVersion: settings.version,
      online: link.status().kind === "online",
      ...(timeZone !== undefined && { timeZone }),
    },
    config: parts.page.current() ?? {},
  });
}

function report(wired: Wired): void {
  const { ports, settings, parts } = wired;
  const startedMs = ports.clock.wallMs();
  parts.reported.set("agent", { version: settings.version, adapter: ports.platform.name, startedMs, ...(settings.name !== "" && { name: settings.name }), ...settings.facts });
}

/** Triggers a fresh check after a hardware change, such as an unplugged cable. */
function hardwareNews(wired: Wired): (() => void)[] {
  const { ports, parts, link } = wired;
  const { outputs, network } = ports.platform;
  return [
    ...(outputs === undefined ? [] : [outputs.onChange(() => {
      for (const { path, status } of parts.displays) {
        status.invalidate();
        parts.desired.hardwareChanged(path);
      }
    })]),
    network.onChange(() => link.nudge()),
  ];
}

/** Rechecks the key `content` as soon as the stage changes. */
function watchStage({ ports, parts }: Wired): () => void {
  let before = "";
  return ports.player.onStatus((status) => {
    const now = status.kind === "absent" ? "absent" : `${status.stage.kind} ${"content" in status.stage ? status.stage.content : status.stage.screen}`;
    if (now !== before) parts.desired.poke("content");
    before = now;
  });
}

/** When an unresponsive display answers again, applies pending changes at once instead of at the next retry. */
function watchForDisplay({ parts }: Wired): () => void {
  const undo = parts.displays.map(({ path, status }) => {
    let answered = true;
    return status.onNews(() => {
      const power = status.latest()?.value.power.kind;
      if (power === undefined) return;
      const answers = power === "ok";
      if (answers && !answered) parts.desired.hardwareChanged(path);
      answered = answers;
    });
  });
  return () => {
    for (const off of undo) off();
  };
}

/** Hands choices at the displays on, lets claims of rules act, and keeps the report of who decides up to date. */
function watchRegulators({ ports, parts, settings }: Wired): () => void {
  const { desired, claims, regulators, rules, schedule, displays, tv } = parts;
  const update = (): void => regulators.update();
  const undo = [
    claims.onChange((key) => desired.regulated(key)),
    desired.onDocument(update),
    desired.onDocument(() => {
      if (desired.document()?.rules === undefined) rules.clear();
    }),
    schedule.onChange(update),
    schedule.onClock(() => rules.poke()),
    // Notices what ended by itself.
    desired.onResult(update),
    watchRemoteControl({
      tv, displays, holdMs: settings.config["display.remoteHoldMs"],
      chosen: (key, value, forMs) => void desired.noteByHand(key, value, { by: "remote", forMs }),
      clock: ports.clock, log: ports.log.child({ part: "remote" }),
    }),
  ];
  update();
  return () => {
    for (const off of undo) off();
  };
}

async function watchGpio(wired: Wired): Promise<(() => void)[]> {
  const { ports, parts, settings } = wired;
  const { gpio } = ports.platform;
  if (gpio === undefined) return [];
  const undo: (() => void)[] = [];
  for (const line of settings.config["gpio.inputs"].split(",").filter((name) => name !== "")) {
    const ended = (why: Issue): void => ports.log.error({ line, ...why }, "a line of gpio.inputs is no longer watched: its hardware is gone");
    const watching = await gpio.watch(line, { debounceMs: GPIO_DEBOUNCE_MS }, (edge) => parts.player.gpioEdge(edge), ended);
    if (watching.ok) undo.push(watching.value);
    else ports.log.error({ line, ...watching.error }, "a line of gpio.inputs cannot be watched");
  }
  return undo;
}

/** The owner released the device: drops everything of theirs and shows the pairing screen. */
async function release(wired: Wired): Promise<void> {
  const { parts, ports } = wired;
  try {
    wired.commands.cancelAll();
    parts.content.want(undefined);
    await parts.desired.forget();
    await parts.network.forget();
    await parts.page.set({} satisfies JsonObject);
    parts.reported.set("page", {});
    parts.scene.update();
  } catch (thrown) {
    ports.log.error({ error: String(thrown) }, "the previous owner's state could not be deleted completely");
  }
}
