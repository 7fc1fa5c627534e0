import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";
import type { CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import type { InstalledDevice, Releases } from "../../package/testing/installed-device.ts";
import type { ScreenDevice } from "./screen-device.ts";

/** How a case ended, in words, and what was not as it has to be. */
export interface CaseEnd {
  readonly outcome: string;
  readonly violations: readonly string[];
}

/** A bad release: what is wrong with it, and the code with which it has to go back. */
export interface BadRelease {
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

export const BAD_RELEASES: readonly BadRelease[] = [
  { name: "does not start", version: "1.1.1", codes: ["update.crashes"], agent: 'console.error("last words: does not start"); process.exit(70);', picture: false, words: "last words: does not start" },
  { name: "starts and crashes", version: "1.1.2", codes: ["update.crashes"], agent: 'setTimeout(() => { console.error("last words: crashes"); process.abort(); }, 4_000);', picture: false, words: "last words: crashes" },
  { name: "no picture", version: "1.1.3", codes: ["update.picture-worse"], player: 'console.error("last words: no picture"); setInterval(() => {}, 1e9); await new Promise(() => {});', picture: true, words: "last words: no picture" },
  { name: "wrong picture", version: "1.1.4", codes: ["update.picture-worse"], player: withBrowserFlags("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"), picture: true },
  { name: "cloud never reached", version: "1.1.5", codes: ["update.cloud-not-reached"], agent: 'process.env.VITRINE_CLOUD_ENDPOINTS = "ws://127.0.0.1:9/device/v1";', picture: true },
];
export const GOOD = "1.2.0";
export const BASE = "1.0.0";
const RELEASES_DIR = "/var/lib/vitrine-releases";
/** Gone with the boot, so that the updater goes on where it was cut. */
const DROP_IN = "/run/systemd/system/vitrine-updater.service.d";
/** The updater's steps of a good update, in the order of `--die-at-step`. */
export const INSTALL_STEPS = ["installing", "unpacked", "adopted", "back-prepared", "trial-written", "switched", "restarted", "confirmed", "trial-ended", "pruned"] as const;
export type InstallStep = (typeof INSTALL_STEPS)[number];
const UPDATER_TRIGGERS = "vitrine-updater.path vitrine-updater.socket";
const CUT_MS_MAX = 240_000;
const OUTCOME_MS_MAX = 900_000;

/** The release's player host gives its browser more flags. */
function withBrowserFlags(...flags: readonly string[]): string {
  return `{ const child = process.getBuiltinModule("node:child_process"); const { spawn } = child; child.spawn = (program, args, options) => spawn(program, String(program).includes("chromium") ? [...args, ...${JSON.stringify(flags)}] : args, options); process.getBuiltinModule("node:module").syncBuiltinESMExports(); }`;
}

/** The releases that these cases need. */
export function releasesFor(bad: readonly BadRelease[]): Releases {
  return { [BASE]: {}, [GOOD]: {}, ...Object.fromEntries(bad.map(({ version, agent, player }) => [version, { ...(agent !== undefined && { agent }), ...(player !== undefined && { player }) }])) };
}

/** An update to a bad release goes back by itself, and tells. */
export async function runBadUpdate(screen: ScreenDevice, bad: BadRelease): Promise<CaseEnd> {
  const { device } = screen;
  await screen.showing();
  const id = await device.update(bad.version, trialOf(device));
  const row = await device.outcome(id, OUTCOME_MS_MAX);
  await screen.showing();
  return { outcome: wordsOf(row), violations: [...whatIsWrong(device, id, row, bad), ...(await whatIsLeft(screen))] };
}

/** The disk becomes full while a good release is being unpacked. */
export async function runFullDisk(screen: ScreenDevice): Promise<CaseEnd> {
  const { device } = screen;
  const { ground } = device;
  await screen.showing();
  // A disk of memory with room for the release's bytes, which the updater asks for first, but only for some of its files.
  await ground.read(`systemctl stop vitrine-updater.service && mount -t tmpfs -o size=900m,nr_inodes=60 tmpfs ${RELEASES_DIR}`);
  try {
    const row = await device.outcome(await device.update(GOOD, trialOf(device)), OUTCOME_MS_MAX);
    const isInTheMiddle = row.error?.code === "update.disk-full" && /No space left/.test(row.error.message);
    return { outcome: wordsOf(row), violations: [...(row.state === "failed" && isInTheMiddle ? [] : [`it ended ${wordsOf(row)}`]), ...(await whatIsLeft(screen))] };
  } finally {
    // What would start it again is stopped too.
    await ground.read(`systemctl stop ${UPDATER_TRIGGERS} vitrine-updater.service && umount ${RELEASES_DIR} && systemctl start ${UPDATER_TRIGGERS}`);
  }
}

/** Cuts the power at a step of a good update, boots, and lets the job come to its end. Leaves the release before in force. */
export async function runPowerCut(screen: ScreenDevice, step: InstallStep): Promise<CaseEnd> {
  const { device } = screen;
  const { ground } = device;
  await screen.showing();
  const unit = ["[Service]", "ExecStart=", `ExecStart=/usr/lib/vitrine/bin/launch updater --die-at-step ${INSTALL_STEPS.indexOf(step) + 1}`, "Restart=no", `ExecStopPost=touch ${RELEASES_DIR}/cut`];
  await ground.read(`systemctl stop vitrine-updater.service; mkdir -p ${DROP_IN} && printf '%s\\n' '${unit.join("' '")}' > ${DROP_IN}/cut.conf && systemctl daemon-reload && rm -f ${RELEASES_DIR}/cut`);
  const id = await device.update(GOOD, trialOf(device));
  await ground.until(`test -e ${RELEASES_DIR}/cut`, CUT_MS_MAX);
  await ground.powerCut();
  const row = await device.outcome(id, OUTCOME_MS_MAX);
  await screen.showing();
  const { version } = await screen.facts();
  const expected = row.state === "succeeded" ? GOOD : BASE;
  const violations = [
    ...(version === expected ? [] : [`release ${version} runs, and the command ended ${wordsOf(row)}`]),
    ...(device.outcomes(id) === 1 ? [] : [`it has ${device.outcomes(id)} outcomes`]),
    ...(await whatIsHalf(device)),
  ];
  // A release from the air is gone when dpkg installs one.
  if (version !== BASE) await device.install(BASE);
  return { outcome: `${wordsOf(row)}, release ${version} runs`, violations };
}

function trialOf({ ground }: InstalledDevice): JsonObject {
  return { holdSeconds: 15, trialMinutes: ground.trialMinutes };
}

function whatIsWrong(device: InstalledDevice, id: string, row: CommandRow, { codes, picture, words, version }: BadRelease): readonly string[] {
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
async function whatIsLeft(screen: ScreenDevice): Promise<readonly string[]> {
  const { version } = await screen.facts();
  return [...(version === BASE ? [] : [`release ${version} runs, not ${BASE}`]), ...(await whatIsHalf(screen.device))];
}

/** No trial is open, nothing is half unpacked, and the files of the release that runs are as it says. */
async function whatIsHalf({ ground }: InstalledDevice): Promise<readonly string[]> {
  const there = (await ground.read(`ls ${RELEASES_DIR}`)).split("\n").filter((name) => /^(?:incoming|trial\.json|installing\.json)$/.test(name));
  const check = 'const { createHash } = require("node:crypto"), fs = require("node:fs"); const at = process.argv[1]; for (const [path, hash] of Object.entries(JSON.parse(fs.readFileSync(at + "/release.json")).files)) if (createHash("sha256").update(fs.readFileSync(at + "/" + path)).digest("hex") !== hash) console.log(path);';
  const wrong = await ground.read(`at=$(readlink -f ${RELEASES_DIR}/current); [ -d "$at" ] || at=/usr/lib/vitrine; /usr/lib/vitrine/bin/node -e '${check}' "$at"`);
  return [...there.map((name) => `${name} is left`), ...(wrong === "" ? [] : [`files of the release are damaged: ${wrong}`])];
}

function wordsOf({ state, error }: CommandRow): string {
  return error === undefined ? state : `${state} (${error.code}: ${error.message})`;
}
