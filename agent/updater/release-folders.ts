import * as v from "valibot";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import { EvidenceOfFailureSchema, type EvidenceOfFailure } from "../../platform/ports/software.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { validate } from "../protocol/codec.ts";
import { ReleaseInfoSchema, VersionSchema, type BrowserArtefact, type ReleaseInfo } from "../protocol/release.ts";
import { folderOf, nameIn, type FolderFs } from "./folder-fs.ts";

/** A release on trial. `boots`: the boots in which it ran, with the time since boot at which each was first seen. */
const TrialSchema = v.object({
  job: v.string(),
  version: VersionSchema,
  deadlineMs: v.number(),
  boots: v.array(v.object({ id: v.string(), upMs: v.number() })),
  /** Services that kept failing before the switch: their failures say nothing about the release. */
  failing: v.optional(v.array(v.string())),
  /** Services that ran before the switch: they are to run again after it, and after going back. */
  up: v.optional(v.array(v.string())),
  /** The services were restarted after the switch, or the machine was. */
  restarted: v.optional(v.boolean()),
});
export type TrialRecord = v.InferOutput<typeof TrialSchema>;

const ReportSchema = v.object({ job: v.string(), code: v.string(), message: v.string(), evidence: EvidenceOfFailureSchema });
export type FailureReport = { readonly job: string; readonly code: string; readonly message: string; readonly evidence: EvidenceOfFailure };

/** A job, and the version it was about if known. */
const JobSchema = v.object({ job: v.string(), version: v.optional(VersionSchema) });

/** Files of a job. Where one becomes another it is renamed, which needs no space on the disk. */
type JobFile = "installing" | "interrupted" | "trial" | "confirmed" | "failed";

/**
 * The releases that came over the air, `<root>/<version>/`, beside the one of the package. Two links decide: `current` is the release that
 * runs, `confirmed` the one that is known to be good; without a link it is the package's. Each change is one rename, so that a power cut
 * leaves the old state or the new one.
 */
export class ReleaseFolders {
  readonly root: string;
  readonly packaged: string;
  /** A link that the player's launcher points to the release it started from (`scripts/systemd/launch`). */
  readonly #inUse: string;
  readonly #fs: FolderFs;

  constructor(fs: FolderFs, root: string, packaged: string, inUse: string) {
    this.#fs = fs;
    this.root = root;
    this.packaged = packaged;
    this.#inUse = inUse;
  }

  /** Folder of the release that a link names, and of the package's where the link is missing or leads nowhere. */
  async folder(link: "current" | "confirmed"): Promise<string> {
    const target = await this.#target(link);
    const folder = target === undefined ? this.packaged : `${this.root}/${target}`;
    return (await this.#fs.exists(`${folder}/release.json`)) ? folder : this.packaged;
  }

  /** `release.json` of a folder. Error: `update.bad-package`. */
  async info(folder: string): Promise<Result<ReleaseInfo>> {
    const text = await this.#fs.readText(`${folder}/release.json`);
    if (text === undefined) return fail("update.bad-package", `${folder} has no release.json`);
    return validate(ReleaseInfoSchema, parseJson(text), `${folder}/release.json`, "update.bad-package");
  }

  releaseFolder(version: string): string {
    return `${this.root}/${version}`;
  }

  /** Where a release is unpacked before it gets its name. */
  get incoming(): string {
    return `${this.root}/incoming`;
  }

  get incomingBrowser(): string {
    return `${this.incoming}/browser`;
  }

  /** By its content: a browser that a release in use has too is never replaced. */
  browserFolder({ version, sha256 }: Pick<BrowserArtefact, "version" | "sha256">): string {
    return `${this.root}/browsers/${version}-${sha256.slice(0, 16)}`;
  }

  /** The browser that a release brings; `undefined`: the machine's. */
  async browserOf(folder: string): Promise<string | undefined> {
    const target = await this.#fs.readLink(`${folder}/browser`);
    return target === undefined ? undefined : nameIn(target);
  }

  /** An unpacked browser gets its name. What lies there without a release is an earlier interrupted attempt's. */
  async adoptBrowser(folder: string): Promise<void> {
    await this.#fs.makeFolder(folderOf(folder));
    await this.#fs.rename(this.incomingBrowser, folder);
    await this.#fs.sync(folderOf(folder));
  }

  /** An empty place to unpack in. Returns the folder for the release's tree. */
  async clearIncoming(): Promise<string> {
    await this.#fs.remove(this.incoming);
    await this.#fs.makeFolder(this.incoming);
    return `${this.incoming}/tree`;
  }

  async has(folder: string): Promise<boolean> {
    return this.#fs.exists(folder);
  }

  /** The release in `tree` is to use this browser, once it has its name. */
  async linkBrowser(tree: string, folder: string): Promise<void> {
    await this.#fs.symlink(`../browsers/${nameIn(folder)}`, `${tree}/browser`);
  }

  /** The unpacked tree gets its name. An older folder of this version is replaced; the caller makes sure that nothing runs from it. */
  async adopt(tree: string, version: string): Promise<void> {
    await this.#fs.remove(this.releaseFolder(version));
    await this.#fs.rename(tree, this.releaseFolder(version));
    await this.#fs.remove(this.incoming);
    await this.#fs.sync(this.root);
  }

  /** Prepares the way back to the confirmed release, so that going back needs no space. */
  async prepareBack(): Promise<void> {
    const target = await this.#target("confirmed");
    await this.#fs.remove(`${this.root}/back`);
    if (target !== undefined) await this.#fs.symlink(target, `${this.root}/back`);
    await this.#fs.sync(this.root);
  }

  async switchTo(version: string): Promise<void> {
    await this.#point("current", version);
  }

  /** `current` becomes the confirmed release again. */
  async switchBack(): Promise<void> {
    const target = await this.#target("confirmed");
    const prepared = await this.#target("back");
    if (target === undefined) await this.#fs.remove(`${this.root}/current`);
    else if (prepared === target) await this.#fs.rename(`${this.root}/back`, `${this.root}/current`);
    else if ((await this.#target("current")) !== target) await this.#point("current", target);
    await this.#fs.sync(this.root);
  }

  async confirm(version: string): Promise<void> {
    await this.#point("confirmed", version);
  }

  async isConfirmed(version: string): Promise<boolean> {
    return (await this.#target("confirmed")) === version;
  }

  async isCurrent(version: string): Promise<boolean> {
    return (await this.#target("current")) === version;
  }

  /** Whether a release was switched to that nobody confirmed. */
  async isUnconfirmed(): Promise<boolean> {
    const current = await this.#target("current");
    return current !== undefined && current !== (await this.#target("confirmed"));
  }

  async trial(): Promise<TrialRecord | undefined> {
    return this.#read("trial", TrialSchema);
  }

  async writeTrial(trial: TrialRecord): Promise<void> {
    await this.#write("trial", trial);
  }

  async job(file: Exclude<JobFile, "trial">): Promise<v.InferOutput<typeof JobSchema> | undefined> {
    return this.#read(file, JobSchema);
  }

  async writeInstalling(job: string, version: string): Promise<void> {
    await this.#write("installing", { job, version });
  }

  async becomes(from: JobFile, to: JobFile): Promise<void> {
    await this.#fs.rename(this.#path(from), this.#path(to));
    await this.#fs.sync(this.root);
  }

  async drop(file: JobFile): Promise<void> {
    await this.#fs.remove(this.#path(file));
    await this.#fs.sync(this.root);
  }

  async writeReport(version: string, report: FailureReport): Promise<void> {
    await this.#fs.makeFolder(`${this.root}/failed`);
    await this.#fs.writeText(`${this.root}/failed/${version}.json`, `${JSON.stringify(report)}\n`);
  }

  async report(version: string): Promise<FailureReport | undefined> {
    return this.#readJson(`${this.root}/failed/${version}.json`, ReportSchema);
  }

  /**
   * Removes what nothing needs: releases that no link names, browsers without a release, leftovers of an unpacking, and what releases left
   * that failed before the last one. The player goes on
   * over an update that leaves its files as they are, so the release it runs from may be neither the current nor the confirmed one.
   */
  async prune(): Promise<void> {
    const inUse = await this.#fs.readLink(this.#inUse);
    const kept = new Set([inUse !== undefined && folderOf(inUse) === this.root ? nameIn(inUse) : undefined, await this.#target("current"), await this.#target("confirmed")]);
    await this.#fs.remove(this.incoming);
    for (const name of await this.#fs.list(this.root)) {
      if (v.is(VersionSchema, name) && !kept.has(name)) await this.#fs.remove(`${this.root}/${name}`);
    }
    await this.#pruneReports();
    if (!(await this.#fs.exists(`${this.root}/browsers`))) return;
    const used = new Set<string>();
    for (const name of kept) {
      const browser = name === undefined ? undefined : await this.browserOf(`${this.root}/${name}`);
      if (browser !== undefined) used.add(browser);
    }
    for (const name of await this.#fs.list(`${this.root}/browsers`)) {
      if (!used.has(name)) await this.#fs.remove(`${this.root}/browsers/${name}`);
    }
  }

  /** A report is asked for by the job that failed last, and by a trial that is being given up. */
  async #pruneReports(): Promise<void> {
    const folder = `${this.root}/failed`;
    if (!(await this.#fs.exists(folder))) return;
    const kept = new Set([(await this.job("failed"))?.version, (await this.trial())?.version].map((version) => `${version}.json`));
    for (const name of await this.#fs.list(folder)) if (!kept.has(name)) await this.#fs.remove(`${folder}/${name}`);
  }

  async #target(link: "current" | "confirmed" | "back"): Promise<string | undefined> {
    const target = await this.#fs.readLink(`${this.root}/${link}`);
    return target !== undefined && v.is(VersionSchema, target) ? target : undefined;
  }

  async #point(link: "current" | "confirmed", version: string): Promise<void> {
    const temporary = `${this.root}/${link}.new`;
    await this.#fs.remove(temporary);
    await this.#fs.symlink(version, temporary);
    await this.#fs.rename(temporary, `${this.root}/${link}`);
    await this.#fs.sync(this.root);
  }

  #path(file: JobFile): string {
    return `${this.root}/${file}.json`;
  }

  async #read<S extends v.GenericSchema>(file: JobFile, schema: S): Promise<v.InferOutput<S> | undefined> {
    return this.#readJson(this.#path(file), schema);
  }

  async #write(file: JobFile, value: object): Promise<void> {
    await this.#fs.writeText(this.#path(file), `${JSON.stringify(value)}\n`);
  }

  /** A damaged file counts as missing: the links decide which release runs. */
  async #readJson<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S> | undefined> {
    const text = await this.#fs.readText(path);
    const parsed = v.safeParse(schema, text === undefined ? undefined : parseJson(text));
    return parsed.success ? parsed.output : undefined;
  }
}

/** The root folder exists and is on disk. Error: `update.no-release`. */
export async function openFolders(fs: FolderFs, root: string, packaged: string, inUse: string): Promise<Result<ReleaseFolders>> {
  await fs.makeFolder(root);
  await fs.sync(folderOf(root));
  const folders = new ReleaseFolders(fs, root, packaged, inUse);
  const info = await folders.info(packaged);
  return info.ok ? ok(folders) : fail("update.no-release", `${info.error.message}: there is no installed release to go back to`, "install the package again");
}
