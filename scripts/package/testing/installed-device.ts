import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import type { SignedRelease } from "../../../platform/ports/software.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { ProofCloud } from "../../prove/harness/proof-cloud.ts";
import { newReleaseKey, readReleaseKey } from "../../release/release-key.ts";
import { signedManifest } from "../../release/signed-manifest.ts";
import { BootedRoot, quickFolder } from "./booted-root.ts";
import { FileServer } from "./file-server.ts";
import type { RootName } from "./package-root.ts";
import { buildStandInDeb, buildTestDeb, type Faults } from "./test-debs.ts";

const LOOK_MS = 100;
/** A busy machine starts an agent in some seconds. */
const CLAIM_MS_MAX = 90_000;

/** A container has no seat, no console and no graphics: labwc draws into memory. */
const PLAYER_UNIT = ["[Service]", "TTYPath=", "TTYReset=no", "TTYVHangup=no", "TTYVTDisallocate=no", "StandardInput=null", "Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1"];

/** A script that lets the player's unit start in a container. */
export const PLAYER_IN_A_CONTAINER = `mkdir -p /etc/systemd/system/vitrine-player.service.d && printf '%s\\n' '${PLAYER_UNIT.join("' '")}' > /etc/systemd/system/vitrine-player.service.d/container.conf`;

/** What a device of a test is to be. */
interface Wanted {
  readonly installed: string;
  readonly releases: Releases;
  readonly rootName?: RootName;
  /** A script of sh that runs before the package is installed. */
  readonly prepare?: string;
  readonly config?: JsonObject;
}

/** How the releases are that a device of a test is to run, by version. */
export type Releases = Readonly<Record<string, Faults>>;

/**
 * The real package on a booted Debian, claimed by a development cloud on this machine, with signed releases to update it to. `installed` is
 * the version that dpkg installs first.
 */
export class InstalledDevice {
  readonly root: BootedRoot;
  readonly cloud: ProofCloud;
  readonly deviceId: string;
  readonly #opened: AsyncDisposableStack;
  readonly #folder: string;
  readonly #server: FileServer;
  readonly #key: DeviceKey;
  readonly #debs: Readonly<Record<string, string>>;
  #commands = 0;

  private constructor(parts: { opened: AsyncDisposableStack; root: BootedRoot; cloud: ProofCloud; deviceId: string; folder: string; server: FileServer; key: DeviceKey; debs: Readonly<Record<string, string>> }) {
    ({ opened: this.#opened, root: this.root, cloud: this.cloud, deviceId: this.deviceId, folder: this.#folder, server: this.#server, key: this.#key, debs: this.#debs } = parts);
  }

  /** Leaves nothing behind when it fails. */
  static async start(wanted: Wanted): Promise<InstalledDevice> {
    const opened = new AsyncDisposableStack();
    try {
      return await InstalledDevice.#start(wanted, opened);
    } catch (thrown) {
      await opened.disposeAsync();
      throw thrown;
    }
  }

  static async #start({ installed, releases, rootName = "plain", prepare, config = {} }: Wanted, opened: AsyncDisposableStack): Promise<InstalledDevice> {
    const folder = quickFolder("vitrine-installed-");
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const server = await FileServer.start(folder);
    opened.defer(() => server.stop());
    const cloud = await ProofCloud.start(join(folder, "cloud"));
    opened.defer(() => cloud.dev.stop());
    const booting = BootedRoot.boot(rootName);
    // One that does not boot has closed itself, and is thrown where it is awaited.
    opened.defer(() => booting.then((root) => root.close(), () => {}));
    await newReleaseKey(join(folder, "key"), systemRandom);
    const releaseKey = await readFile(join(folder, "key.pub"), "utf8");
    const debs: Record<string, string> = {};
    for (const [version, faults] of Object.entries(releases)) debs[version] = await buildTestDeb(folder, version, { faults, releaseKey });
    const root = await booting;
    if (prepare !== undefined) root.read(prepare);
    root.read(PLAYER_IN_A_CONTAINER);
    const stubs = rootName === "plain" ? ["labwc", "chromium"].map((name) => root.give(buildStandInDeb(folder, name))) : [];
    for (const [version, deb] of Object.entries(debs)) debs[version] = root.give(deb);
    const settings = { device: { name: "Lobby" }, ...config, cloud: { endpoints: [cloud.endpoint], allowPlain: true, firstConnectSpreadMs: 0 } };
    root.read(`mkdir -p /etc/vitrine && printf '%s' '${JSON.stringify(settings)}' > /etc/vitrine/config.json && chmod 0644 /etc/vitrine/config.json`);
    await root.perform(`dpkg --force-unsafe-io --install ${[...stubs, debs[installed]].join(" ")}`);
    const claimed = await root.until(`vitrine status --json | grep '"kind":"claimed"'`, CLAIM_MS_MAX);
    const { deviceId } = JSON.parse(claimed) as { deviceId: string };
    return new InstalledDevice({ opened, root, cloud, deviceId, folder, server, key: await readReleaseKey(join(folder, "key")), debs });
  }

  /** Name of the package of a version in the device's `/root`. */
  deb(version: string): string {
    return this.#debs[version] ?? "";
  }

  /** The signed manifest of a version, whose files this machine serves. */
  async release(version: string, { downgrade = false } = {}): Promise<SignedRelease> {
    const made = await signedManifest({ packages: [join(this.#folder, this.deb(version))], browsers: [], base: this.#server.base, downgrade, key: this.#key });
    if (!made.ok) throw new Error(made.error.message);
    return made.value.signed;
  }

  /** Sends a command; returns its id. */
  send(name: string, params: JsonObject): string {
    const { cloud } = this.cloud.dev;
    const known = cloud.context.store.device(this.deviceId);
    if (known === undefined) throw new Error("the cloud does not know the device");
    const id = `${name}-${(this.#commands += 1)}`;
    const sent = cloud.commands.create(known, { id, name, params });
    if (!sent.ok) throw new Error(sent.error.message);
    return id;
  }

  /** Sends `software.update` to a version; returns the command's id. */
  async update(version: string, params: JsonObject = { holdSeconds: 5, trialMinutes: 2 }): Promise<string> {
    return this.send("software.update", { release: { ...(await this.release(version)) }, ...params });
  }

  row(id: string): CommandRow | undefined {
    return this.cloud.dev.cloud.context.store.command(this.deviceId, id);
  }

  /** Waits for the one outcome of a command. */
  async outcome(id: string, limitMs = 300_000): Promise<CommandRow> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const row = this.row(id);
      if (row !== undefined && isFinal(row.state)) return row;
      if (performance.now() > untilMs) throw new Error(`${id} has no outcome within ${limitMs / 1000} s: ${JSON.stringify(row)}\n${this.root.run("journalctl --no-pager -n 60; ls -la /var/lib/vitrine-releases").output}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** How often the cloud was told the outcome of a command. */
  outcomes(id: string): number {
    return this.cloud.records(this.deviceId).filter(({ command }) => command === `${id}/1`).length;
  }

  async close(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
