import * as v from "valibot";
import type { Result } from "./result.ts";

/** Values of the `SoftwareUpdater` port. They also travel over the updater's socket. */

const Text = v.pipe(v.string(), v.maxLength(2000));
const Version = v.pipe(v.string(), v.maxLength(64));
const Job = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,96}$/));
const Milliseconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What a release that failed left behind. */
export const EvidenceOfFailureSchema = v.object({
  /** By service: how often it was restarted, and how its main process ended. */
  services: v.record(v.string(), v.object({ state: Text, restarts: v.number(), exit: Text })),
  /** The last lines of its log, oldest first. */
  log: v.array(v.string()),
});
export type EvidenceOfFailure = v.InferOutput<typeof EvidenceOfFailureSchema>;

const FailedUpdateSchema = v.object({ job: Job, version: Version, code: Text, message: Text, evidence: EvidenceOfFailureSchema });
export type FailedUpdate = v.InferOutput<typeof FailedUpdateSchema>;

export const SoftwareStatusSchema = v.object({
  /** The release that runs, or is to run after a restart. */
  running: Version,
  /** The release it goes back to. The same as `running` when there is no trial. */
  confirmed: Version,
  /** A job whose release is being unpacked. */
  installing: v.optional(v.object({ job: Job })),
  /** A release that runs but is not confirmed. `leftMs`: time until it is given up. */
  trial: v.optional(v.object({ job: Job, version: Version, boots: v.number(), leftMs: v.number() })),
  /** A job that ended (by a power cut, for example) before its release was switched to: nothing has changed. */
  interrupted: v.optional(v.object({ job: Job })),
  lastConfirmed: v.optional(v.object({ job: Job, version: Version })),
  lastFailed: v.optional(FailedUpdateSchema),
});
export type SoftwareStatus = v.InferOutput<typeof SoftwareStatusSchema>;

/** A release manifest and its signature, as in the cloud's protocol. */
export const SignedReleaseSchema = v.object({ payload: v.pipe(v.string(), v.maxLength(16 * 1024)), key: v.pipe(v.string(), v.maxLength(64)), signature: v.pipe(v.string(), v.maxLength(128)) });
export type SignedRelease = v.InferOutput<typeof SignedReleaseSchema>;

export const InstallRequestSchema = v.object({
  job: Job,
  release: SignedReleaseSchema,
  /** Absolute paths of the downloaded files. */
  package: v.pipe(v.string(), v.startsWith("/"), v.maxLength(4096)),
  browser: v.optional(v.pipe(v.string(), v.startsWith("/"), v.maxLength(4096))),
  /** Time for the confirmation, counted anew after each boot. */
  deadlineMs: v.pipe(Milliseconds, v.minValue(1_000), v.maxValue(3_600_000)),
});
export type InstallRequest = v.InferOutput<typeof InstallRequestSchema>;

const DownloadSchema = v.object({ url: v.string(), bytes: v.number(), sha256: v.string() });
/** What has to be downloaded for a release on this machine. */
export const ReleaseFilesSchema = v.object({ version: Version, package: DownloadSchema, browser: v.optional(DownloadSchema) });
export type ReleaseFiles = v.InferOutput<typeof ReleaseFilesSchema>;

/** Why the release on trial is given up. */
export const BackRequestSchema = v.object({ job: Job, code: v.pipe(v.string(), v.regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/), v.maxLength(64)), message: Text });
export const ConfirmRequestSchema = v.object({ job: Job });

/** Lines on the updater's socket: one request a connection, answered with one line. */
export const UpdaterRequestSchema = v.variant("method", [
  v.object({ method: v.literal("status") }),
  v.object({ method: v.literal("check"), params: SignedReleaseSchema }),
  v.object({ method: v.literal("install"), params: InstallRequestSchema }),
  v.object({ method: v.literal("confirm"), params: ConfirmRequestSchema }),
  v.object({ method: v.literal("back"), params: BackRequestSchema }),
]);
export type UpdaterRequest = v.InferOutput<typeof UpdaterRequestSchema>;
export const UPDATER_LINE_BYTES_MAX = 256 * 1024;

/**
 * Replaces this machine's software by another release, and takes it back unless it is confirmed in time. Every call may be
 * repeated. Errors: `update.no-updater` (not reachable), and those named below.
 */
export interface SoftwareUpdater {
  /** Version of the release that this process belongs to, where it is not that of the program itself. */
  readonly ownVersion?: string;
  status(): Promise<Result<SoftwareStatus>>;
  /**
   * Whether the release may be installed, and its files. Errors: `update.bad-manifest`, `update.bad-signature`, `update.unknown-key`,
   * `update.wrong-machine`, `update.not-newer`.
   */
  check(release: SignedRelease): Promise<Result<ReleaseFiles>>;
  /**
   * Unpacks the release and switches to it; this process is restarted soon after the answer. After an error nothing has changed. Errors:
   * those of `check`, `update.busy`, `update.bad-package`, `update.needs-package`, `update.disk-full`, `update.disk`.
   */
  install(request: InstallRequest): Promise<Result<void>>;
  /** Keeps the release on trial. Errors: `update.no-such-trial`, `update.disk`. */
  confirm(job: string): Promise<Result<void>>;
  /** Gives the release on trial up; this process is restarted soon after the answer. Error: `update.no-such-trial`. */
  back(job: string, code: string, message: string): Promise<Result<void>>;
}
