import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import type { Issue } from "../../platform/ports/result.ts";
import { toHex } from "../../platform/runtime/encoding.ts";
import type { BrowserReport } from "../contract/browser-report.ts";
import type { StageScene, WayOut } from "../contract/link-messages.ts";
import type { OriginProbe } from "../stage/origin-probe.ts";
import type { Shell } from "../stage/shell.ts";
import { Stage } from "../stage/stage.ts";
import { AgentLink, type OpenAgentChannel } from "./agent-link.ts";
import { BrowserProof } from "./browser-proof.ts";
import { MissingFiles } from "./missing-files.ts";
import type { PackageFolders } from "./package-folders.ts";
import { PackageStorage } from "./package-storage.ts";
import { PageDesk } from "./page-desk.ts";
import { PageGate } from "./page-gate.ts";
import { PageSpool } from "./page-spool.ts";
import { helloOf, PlayerHost, type HostEnd } from "./player-host.ts";
import { SceneStore } from "./scene-store.ts";
import type { SpoolStore } from "./spool-store.ts";
import type { TextStore } from "./text-store.ts";

/** What a player host needs of the machine it runs on. */
export interface HostPorts {
  readonly shell: Shell;
  readonly openChannel: OpenAgentChannel;
  /** The last scene, page context and way out. */
  readonly scene: TextStore;
  /** The list of packages that may have data in the browser's storage. */
  readonly packageList: TextStore;
  readonly spool: SpoolStore;
  readonly folders: PackageFolders;
  /** Creates the probe. It uses the way out in force at the time of each request. */
  readonly probe: (wayOut: () => WayOut) => OriginProbe;
  /** Information from whoever chose the browser. */
  readonly browser: Pick<BrowserReport, "why" | "sandbox" | "passedOver">;
  /** Whether the host ends if its browser does not prove itself, so that another can take over. */
  readonly trial: boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Process id of the host. */
  readonly pid: number;
  /** Resident memory of the host's process, in bytes. */
  readonly hostBytes: () => number;
  /** Why the log is not being written; `undefined` while it is. */
  readonly logTrouble?: () => Issue | undefined;
}

/** Shown until an agent has connected for the first time. */
const FIRST_SCENE: StageScene = { kind: "offline", message: "This screen is starting. Waiting for its agent." };

/** Assembles the host from its ports; the same for every shell. Resolves once all stored state has been read. */
export async function openHost(ports: HostPorts): Promise<{ run(signal: AbortSignal): Promise<HostEnd> }> {
  const { clock, timers, random, log, pid, hostBytes, folders, logTrouble, openChannel, trial } = ports;
  const proof = new BrowserProof({ shell: ports.shell, chosen: ports.browser, clock, timers, log: log.child({ part: "browser" }) });
  const { shell } = proof;
  const instance = toHex(random.bytes(8));
  const scenes = new SceneStore(ports.scene, log.child({ part: "scene" }));
  const spool = new PageSpool(ports.spool, log.child({ part: "spool" }));
  const kept = await scenes.load();
  const { dropped } = await spool.open();
  const gate = new PageGate(clock);
  // The page was told that these were kept, so the agent raises an alarm.
  if (dropped > 0) gate.count("page.lost", dropped);
  const storage = new PackageStorage({ list: ports.packageList, folders, shell, log: log.child({ part: "storage" }) });
  await storage.load();
  const probe = ports.probe(() => host.wayOut);
  if (kept.wayOut !== undefined) shell.setWayOut?.(kept.wayOut);
  const files = new MissingFiles(folders, () => stage.contentShown, log.child({ part: "page" }));
  const stage: Stage = new Stage(kept.scene ?? FIRST_SCENE, { shell, probe, clock, timers, random, log: log.child({ part: "stage" }), files: () => files.fact() });
  const link = new AgentLink({ open: openChannel, hello: () => helloOf(instance, pid, stage, proof.report), timers, random, log: log.child({ part: "link" }) });
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
  const host = new PlayerHost({ shell, proof, trial, stage, link, desk, gate, scenes, storage, files, context: kept.context, wayOut: kept.wayOut, clock, timers, log, hostBytes, ...(logTrouble && { logTrouble }) });
  return {
    run: async (signal) => {
      const end = await host.run(signal);
      await spool.close();
      return end;
    },
  };
}
