import { ok, type fail } from "../../../../platform/ports/result.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import type { SignedRelease } from "../../../../platform/ports/software.ts";
import { isOnTrial, SimulatedUpdater, versionOf } from "../../../node/simulated-updater.ts";
import { RELEASE_KEY, signPayload } from "../../../updater/testing/test-release.ts";
import { FACTORY_SOFTWARE } from "../../../../platform/simulated/world-state.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import type { Verdict } from "../../../protocol/reported.ts";
import type { Signed } from "../../../protocol/signed.ts";
import { START_MS, TestDevice, type TestProcess } from "../../commands/testing/test-device.ts";
import { softwareUpdateExecutor } from "../software-update-executor.ts";
import type { KeptPicture } from "../update-files.ts";

/** A release for the rig, signed by the key that its device trusts. */
export function signedRelease(change: object = {}): Promise<SignedRelease> {
  return signPayload(JSON.stringify({ manifest: 1, version: "1.1.0", packages: { amd64: { url: "https://releases.example/v.deb", bytes: 100, sha256: "0".repeat(64) } }, ...change }));
}

export const RELEASE: SignedRelease = await signedRelease();

/** A device with the real commands and the simulated updater, whose agent can be killed after each write. */
export class UpdateRig {
  readonly device: TestDevice;
  readonly world: SimulatedWorld;
  /** What the release on trial shows. */
  trialVerdict: Verdict = "showing";
  verdictBefore: Verdict = "showing";
  hadPlayer = true;
  trialHasPlayer = true;
  online = true;
  /** Since the rig's start, in ms: before it there is no player and no verdict, as after a boot. */
  playerFromMs = 0;
  /** Errors of the next downloads. */
  readonly downloadErrors: ReturnType<typeof fail>[] = [];
  downloads = 0;
  uploads = 0;
  #picture: KeptPicture | undefined;
  #signed: Signed | undefined;

  constructor() {
    this.device = new TestDevice((process) => ({ "software.update": this.#executor(process) }));
    const { time } = this.device;
    this.world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("world") });
  }

  async update(params: JsonObject = {}): Promise<void> {
    await this.heal();
    this.#signed = this.device.signedCommand({ id: "u1", name: "software.update", params: { release: RELEASE, ...params } });
    this.device.deliver(this.#signed);
  }

  /** The owner's cancel of the update. */
  cancel(id = "u1"): void {
    this.device.process?.service.cancel(this.device.signedCancel(id));
  }

  /** Starts the agent where it does not run; the cloud sends the command again. */
  async heal(): Promise<void> {
    if (this.device.process !== undefined) return;
    const { service } = await this.device.start();
    if (this.#signed !== undefined) service.command(this.#signed);
  }

  async pass(forMs: number): Promise<void> {
    await this.device.passHealed(forMs, 500, () => this.heal());
  }

  /** The machine loses its power and comes back. */
  powerCut(): void {
    this.world.boot();
    this.device.bootAnew();
  }

  get outcome() {
    return this.device.outcomeOf("u1");
  }

  /** Which release runs, and which is known to be good. */
  get software(): { readonly running: string; readonly confirmed: string; readonly trial: boolean } {
    const now = { ...(this.world.state.software ?? FACTORY_SOFTWARE), packaged: "1.0.0" };
    return { running: versionOf(now, "current"), confirmed: versionOf(now, "confirmed"), trial: isOnTrial(now) };
  }

  #executor(process: TestProcess) {
    const { timers, clock } = process;
    const updater = new SimulatedUpdater({
      world: this.world, timers, log: silentLog, crypto: nodeCrypto, version: "1.0.0", arch: "amd64", keys: () => Promise.resolve([RELEASE_KEY]), keysAre: "the rig",
      onRestart: () => {
        if (this.device.process === process) this.device.kill();
      },
    });
    const isTrial = (): boolean => this.software.trial;
    return softwareUpdateExecutor({
      software: {
        ownVersion: updater.ownVersion,
        status: () => process.act(() => updater.status()),
        check: (release) => process.act(() => updater.check(release)),
        install: (request) => process.act(() => updater.install(request)),
        confirm: (job) => process.act(() => updater.confirm(job)),
        back: (job, code, message) => process.act(() => updater.back(job, code, message)),
      },
      files: {
        fetch: ({ sha256 }, progress) =>
          process.act(() => {
            this.downloads += 1;
            progress(50);
            return this.downloadErrors.shift() ?? ok(`/data/updates/${sha256}`);
          }),
        keepPicture: (picture) =>
          process.act(() => {
            this.#picture = picture;
            return ok(undefined);
          }),
        picture: () => process.act(() => this.#picture),
        clear: () =>
          process.act(() => {
            this.#picture = undefined;
          }),
      },
      version: "not asked",
      verdict: () => (isTrial() ? this.trialVerdict : clock.monotonicMs() < this.playerFromMs ? undefined : this.verdictBefore),
      hasPlayer: () => (isTrial() ? this.trialHasPlayer : this.hadPlayer && clock.monotonicMs() >= this.playerFromMs),
      isOnline: () => this.online && this.world.reachesCloud(undefined),
      serverNowMs: () => (this.device.serverKnown ? START_MS + this.device.time.monotonicMs() : undefined),
      picture: () => Promise.resolve(ok({ bytes: new Uint8Array(3), contentType: "image/jpeg" })),
      uploader: {
        upload: ({ bytes }) =>
          process.act(() => {
            this.uploads += 1;
            return ok({ name: "picture-1", sha256: "", bytes: bytes.length });
          }),
      },
      changed: () => {},
      clock, timers, random: new SeededRandom("update"),
    });
  }
}
