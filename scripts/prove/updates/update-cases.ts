import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";
import type { CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { InstalledDevice, type Releases } from "../../package/testing/installed-device.ts";
import { pauseMs } from "../harness/agent-process.ts";
import { FramePage } from "./frame-page.ts";

/** A case's name, how it ended, and its violations. */
export type Told = (name: string, outcome: string, violations: readonly string[]) => void;

/** A bad release: what is wrong with it, and the code with which it has to go back. */
interface BadRelease {
  readonly name: string;
  readonly version: string;
  readonly codes: readonly string[];
  readonly agent?: string;
  readonly player?: string;
  /** The agent of the failed release took a last picture. */
  readonly picture: boolean;
  /** A line of its log that has to reach the cloud. */
  readonly words?: string;
}

const BAD: readonly BadRelease[] = [
  { name: "does not start", version: "1.1.1", codes: ["update.crashes"], agent: 'console.error("last words: does not start"); process.exit(70);', picture: false, words: "last words: does not start" },
  { name: "starts and crashes", version: "1.1.2", codes: ["update.crashes"], agent: 'setTimeout(() => { console.error("last words: crashes"); process.abort(); }, 4_000);', picture: false, words: "last words: crashes" },
  { name: "no picture", version: "1.1.3", codes: ["update.picture-worse"], player: 'console.error("last words: no picture"); setInterval(() => {}, 1e9); await new Promise(() => {});', picture: true, words: "last words: no picture" },
  { name: "wrong picture", version: "1.1.4", codes: ["update.picture-worse"], player: withBrowserFlags("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"), picture: true },
  { name: "cloud never reached", version: "1.1.5", codes: ["update.cloud-not-reached"], agent: 'process.env.VITRINE_CLOUD_ENDPOINTS = "ws://127.0.0.1:9/device/v1";', picture: true },
];
const GOOD = "1.2.0";
const BASE = "1.0.0";
const RELEASES_DIR = "/var/lib/vitrine-releases";
const DROP_IN = "/etc/systemd/system/vitrine-updater.service.d";
/** The updater's steps of a good update, in the order of `--die-at-step`. */
export const INSTALL_STEPS = ["installing", "unpacked", "adopted", "back-prepared", "trial-written", "switched", "restarted", "confirmed", "trial-ended", "pruned"] as const;
const UPDATER_TRIGGERS = "vitrine-updater.path vitrine-updater.socket";
const PICTURE_MS_MAX = 180_000;
const CUT_MS_MAX = 240_000;

/** The release's player host gives its browser more flags. */
function withBrowserFlags(...flags: readonly string[]): string {
  return `{ const child = process.getBuiltinModule("node:child_process"); const { spawn } = child; child.spawn = (program, args, options) => spawn(program, String(program).includes("chromium") ? [...args, ...${JSON.stringify(flags)}] : args, options); process.getBuiltinModule("node:module").syncBuiltinESMExports(); }`;
}

/** A device with a real screen, showing a page of this machine. */
export class UpdateDevice {
  readonly device: InstalledDevice;
  readonly page: FramePage;
  readonly #opened: AsyncDisposableStack;

  constructor(device: InstalledDevice, page: FramePage, opened: AsyncDisposableStack) {
    this.#opened = opened;
    this.device = device;
    this.page = page;
  }

  get verdict(): unknown {
    const reported = this.device.cloud.dev.cloud.context.store.document(this.device.deviceId, "reported")?.document;
    return isJsonObject(reported?.["screen"]) ? reported["screen"]["verdict"] : undefined;
  }

  /** Waits until the page is seen on the screen. */
  async showing(): Promise<void> {
    await until("the picture", PICTURE_MS_MAX, () => this.verdict === "showing");
  }

  /** The player's process, its browser's pages, and the release that runs. */
  facts(): { readonly player: string; readonly renderers: readonly string[]; readonly version: string } {
    const { root } = this.device;
    return {
      player: root.read("systemctl show vitrine-player --property=MainPID --value"),
      renderers: root.read("pgrep -u vitrine-player -f -- --type=renderer || true").split("\n").sort(),
      version: (JSON.parse(root.read("vitrine status --json")) as { agentVersion: string }).agentVersion,
    };
  }

  async close(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** Boots a device on which `installed` shows a moving page. `releases`: what it can be updated to. */
export async function startScreenDevice(installed: string, releases: Releases): Promise<UpdateDevice> {
  const page = await FramePage.start();
  const opened = new AsyncDisposableStack();
  opened.defer(() => page.stop());
  try {
    return await startShowing(page, installed, releases, opened);
  } catch (thrown) {
    await opened.disposeAsync();
    throw thrown;
  }
}

async function startShowing(page: FramePage, installed: string, releases: Releases, opened: AsyncDisposableStack): Promise<UpdateDevice> {
  const device = await InstalledDevice.start({ installed, releases, rootName: "screen" });
  opened.defer(() => device.close());
  const known = device.cloud.dev.cloud.context.store.device(device.deviceId);
  if (known === undefined) throw new Error("the cloud does not know the device");
  const put = device.cloud.dev.cloud.desired.put(known, { content: { kind: "url", url: page.url } });
  if (!put.ok) throw new Error(put.error.message);
  const started = new UpdateDevice(device, page, opened);
  await started.showing();
  return started;
}

export function startUpdateDevice(): Promise<UpdateDevice> {
  const bad = BAD.map(({ version, agent, player }) => [version, { ...(agent !== undefined && { agent }), ...(player !== undefined && { player }) }] as const);
  return startScreenDevice(BASE, { [BASE]: {}, [GOOD]: {}, ...Object.fromEntries(bad) });
}

export async function runBadUpdates(screen: UpdateDevice, tell: Told): Promise<void> {
  const { device } = screen;
  for (const bad of BAD) {
    await screen.showing();
    const id = await device.update(bad.version, { holdSeconds: 15, trialMinutes: 3 });
    const row = await device.outcome(id, 900_000);
    await screen.showing();
    tell(bad.name, wordsOf(row), [...whatIsWrong(screen, id, row, bad), ...whatIsLeft(screen)]);
  }
  // A disk of memory that takes the copy of the package, and half of what is in it.
  const bytes = Number(device.root.read(`stat -c %s ${device.deb(GOOD)}`));
  device.root.read(`systemctl stop vitrine-updater.service && mount -t tmpfs -o size=${Math.round(bytes * 1.5)} tmpfs ${RELEASES_DIR}`);
  const id = await device.update(GOOD, { holdSeconds: 15, trialMinutes: 3 });
  const row = await device.outcome(id, 900_000);
  const found = row.state === "failed" && row.error?.code === "update.disk-full" ? [] : [`it ended ${wordsOf(row)}`];
  tell("disk full in the middle", wordsOf(row), [...found, ...whatIsLeft(screen)]);
  // What would start it again is stopped too.
  device.root.read(`systemctl stop ${UPDATER_TRIGGERS} vitrine-updater.service && umount ${RELEASES_DIR} && systemctl start ${UPDATER_TRIGGERS}`);
}

/** Cuts the power at each step of a good update, boots, and lets the job come to its end. */
export async function runPowerCuts(screen: UpdateDevice, count: number, tell: Told): Promise<void> {
  const { device } = screen;
  for (const [index, step] of INSTALL_STEPS.slice(0, count).entries()) {
    await screen.showing();
    const unit = ["[Service]", "ExecStart=", `ExecStart=/usr/lib/vitrine/bin/launch updater --die-at-step ${index + 1}`, "Restart=no", `ExecStopPost=touch ${RELEASES_DIR}/cut`];
    device.root.read(`systemctl stop vitrine-updater.service; mkdir -p ${DROP_IN} && printf '%s\\n' '${unit.join("' '")}' > ${DROP_IN}/cut.conf && systemctl daemon-reload && rm -f ${RELEASES_DIR}/cut`);
    const id = await device.update(GOOD, { holdSeconds: 15, trialMinutes: 3 });
    await until(`the cut at ${step}`, CUT_MS_MAX, () => device.root.run(`test -e ${RELEASES_DIR}/cut`).status === 0);
    await device.root.powerOff();
    device.root.removeFromDisk(`${DROP_IN}/cut.conf`);
    await device.root.powerOn();
    const row = await device.outcome(id, 900_000);
    await screen.showing();
    const { version } = screen.facts();
    const expected = row.state === "succeeded" ? GOOD : BASE;
    const found = [
      ...(version === expected ? [] : [`release ${version} runs, and the command ended ${wordsOf(row)}`]),
      ...(device.outcomes(id) === 1 ? [] : [`it has ${device.outcomes(id)} outcomes`]),
      ...whatIsHalf(device),
    ];
    tell(`power cut at ${step}`, `${wordsOf(row)}, release ${version} runs`, found);
    await device.root.perform(`dpkg --force-unsafe-io --install ${device.deb(BASE)}`);
  }
}

function whatIsWrong({ device }: UpdateDevice, id: string, row: CommandRow, { codes, picture, words, version }: BadRelease): readonly string[] {
  const observed = isJsonObject(row.effect) && isJsonObject(row.effect["observed"]) ? row.effect["observed"]["value"] : undefined;
  const left: JsonObject = isJsonObject(observed) ? observed : {};
  const uploads = device.cloud.dev.cloud.context.store.uploads({ device: device.deviceId, internal: false, limit: 100 }).map((upload) => upload.name);
  return [
    ...(row.state === "failed" && codes.includes(row.error?.code ?? "") ? [] : [`it ended ${wordsOf(row)}, not with ${codes.join(" or ")}`]),
    ...(left["failed"] === version && left["running"] === BASE ? [] : [`the outcome says ${JSON.stringify(left["failed"])} failed and ${JSON.stringify(left["running"])} runs`]),
    ...(isJsonObject(left["services"]) ? [] : ["the outcome does not say how the services ended"]),
    ...(words === undefined || JSON.stringify(left["log"] ?? "").includes(words) ? [] : [`its log lines lack "${words}"`]),
    ...(!picture || uploads.some((name) => name === left["picture"]) ? [] : [`its last picture is not in the cloud: ${JSON.stringify(left["picture"])}`]),
    ...(device.outcomes(id) === 1 ? [] : [`it has ${device.outcomes(id)} outcomes`]),
  ];
}

/** The old release runs, and nothing of another is there. */
function whatIsLeft(screen: UpdateDevice): readonly string[] {
  const { version } = screen.facts();
  return [...(version === BASE ? [] : [`release ${version} runs, not ${BASE}`]), ...whatIsHalf(screen.device)];
}

/** No trial is open, nothing is half unpacked, and the files of the release that runs are as it says. */
function whatIsHalf(device: InstalledDevice): readonly string[] {
  const there = device.root.read(`ls ${RELEASES_DIR}`).split("\n").filter((name) => /^(?:incoming|trial\.json|installing\.json)$/.test(name));
  const check = 'const { createHash } = require("node:crypto"), fs = require("node:fs"); const at = process.argv[1]; for (const [path, hash] of Object.entries(JSON.parse(fs.readFileSync(at + "/release.json")).files)) if (createHash("sha256").update(fs.readFileSync(at + "/" + path)).digest("hex") !== hash) console.log(path);';
  const wrong = device.root.read(`at=$(readlink -f ${RELEASES_DIR}/current); [ -d "$at" ] || at=/usr/lib/vitrine; /usr/lib/vitrine/bin/node -e '${check}' "$at"`);
  return [...there.map((name) => `${name} is left`), ...(wrong === "" ? [] : [`files of the release are damaged: ${wrong}`])];
}

function wordsOf({ state, error }: CommandRow): string {
  return error === undefined ? state : `${state} (${error.code}: ${error.message})`;
}

async function until(what: string, limitMs: number, holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`${what} did not come within ${limitMs / 1_000} s`);
    await pauseMs(100);
  }
}
