import type { Socket } from "node:net";
import { join } from "node:path";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import type { BrowserReport } from "../../contract/browser-report.ts";
import type { StageScene } from "../../contract/link-messages.ts";
import { AgentLink } from "../../link/agent-link.ts";
import { PageSpool } from "../../link/page-spool.ts";
import { SceneStore } from "../../link/scene-store.ts";
import { PageGate } from "../../page-api/page-gate.ts";
import type { Shell } from "../../stage/shell.ts";
import { Stage } from "../../stage/stage.ts";
import { BrowserProof } from "./browser-proof.ts";
import { HttpOriginProbe } from "./origin-probe.ts";
import { MissingFiles } from "./missing-files.ts";
import { PackageStorage } from "./package-storage.ts";
import { PageDesk } from "./page-desk.ts";
import { helloOf, PlayerHost, type HostEnd } from "./player-host.ts";

export interface HostParts {
  /** Absolute data folder. */
  readonly dataDir: string;
  /** Opens the agent's socket. */
  readonly openLink: () => Socket;
  readonly shell: Shell;
  /** What whoever chose the browser knows of it. */
  readonly browser: Pick<BrowserReport, "why" | "sandbox" | "passedOver">;
  /** The host ends when its browser does not prove itself, because another one can take over. */
  readonly trial: boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly hostBytes: () => number;
  readonly logTrouble?: () => Issue | undefined;
}

/** Before any agent was ever there. */
const FIRST_SCENE: StageScene = { kind: "offline", message: "This screen is starting. Waiting for its agent." };

/** The host's parts put together, the same over every shell. Resolves once everything on disk has been read. */
export async function composeHost(parts: HostParts): Promise<{ run(signal: AbortSignal): Promise<HostEnd> }> {
  const { dataDir, clock, timers, random, log, env, pid, hostBytes, openLink, trial } = parts;
  const proof = new BrowserProof({ shell: parts.shell, chosen: parts.browser, clock, timers, log: log.child({ part: "browser" }) });
  const { shell } = proof;
  const instance = toHex(random.bytes(8));
  const scenes = new SceneStore(join(dataDir, "player", "scene.json"), log.child({ part: "scene" }));
  const spool = new PageSpool(join(dataDir, "player", "spool.jsonl"), log.child({ part: "spool" }));
  const kept = await scenes.load();
  const { dropped } = await spool.open();
  const gate = new PageGate(clock);
  // Answered as kept: the agent raises an alarm for it.
  if (dropped > 0) gate.count("page.lost", dropped);
  const storage = new PackageStorage({ path: join(dataDir, "player", "package-storage.json"), shell, log: log.child({ part: "storage" }) });
  await storage.load();
  const probe = new HttpOriginProbe({ env, clock, wayOut: () => host.wayOut });
  if (kept.wayOut !== undefined) shell.setWayOut?.(kept.wayOut);
  const files = new MissingFiles(() => stage.contentShown, log.child({ part: "page" }));
  const stage: Stage = new Stage(kept.scene ?? FIRST_SCENE, { shell, probe, clock, timers, random, log: log.child({ part: "stage" }), files: () => files.fact() });
  const link = new AgentLink({ open: openLink, hello: () => helloOf(instance, pid, stage, proof.report), timers, random, log: log.child({ part: "link" }) });
  let ids = 0;
  const desk = new PageDesk({
    gate,
    spool,
    send: (message) => link.send(message),
    sendToPage: (text) => shell.sendToPage(text),
    newId: () => `${instance}-${(ids += 1)}`,
    shellName: () => stage.shellName,
    timers,
    random,
    log: log.child({ part: "page" }),
  });
  const host = new PlayerHost({ shell, proof, trial, stage, link, desk, gate, scenes, storage, files, context: kept.context, wayOut: kept.wayOut, clock, timers, log, hostBytes, ...(parts.logTrouble !== undefined && { logTrouble: parts.logTrouble }) });
  return {
    run: async (signal) => {
      const end = await host.run(signal);
      await spool.close();
      return end;
    },
  };
}
