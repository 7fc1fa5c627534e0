import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import type { SignedRelease } from "../../../platform/ports/software.ts";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow, type DeviceRow, type LinkRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { ProofCloud } from "../../prove/harness/proof-cloud.ts";
import { newReleaseKey, readReleaseKey } from "../../release/release-key.ts";
import { signedManifest } from "../../release/signed-manifest.ts";
import { container, quickFolder } from "./booted-root.ts";
import { FileServer } from "./file-server.ts";
import type { Ground, GroundKind } from "./ground.ts";
import { buildTestDeb, type Faults } from "./test-debs.ts";

const LOOK_MS = 100;
/** A busy machine starts an agent in some seconds. */
const CLAIM_MS_MAX = 90_000;

/** Of a unit whose program only waits. It comes after other drop-ins, and is gone with the boot. */
const WAITING_UNIT = ["[Service]", "ExecStart=", "ExecStart=/bin/sleep infinity"];
const WAITING_DROP_IN = "/run/systemd/system/vitrine-player.service.d/zz-waiting.conf";

/** What a device of a test is to be. */
interface Wanted {
  readonly installed: string;
  readonly releases: Releases;
  /** What it runs on. Default: a container without a screen. */
  readonly ground?: GroundKind;
  readonly config?: JsonObject;
}

/** How the releases are that a device of a test is to run, by version. */
export type Releases = Readonly<Record<string, Faults>>;

/**
 * The real package on a machine with systemd and dpkg, claimed by a development cloud on this machine, with signed releases to update it to. `installed` is
 * the version that dpkg installs first.
 */
export class InstalledDevice {
  readonly ground: Ground;
  readonly cloud: ProofCloud;
  readonly #opened: AsyncDisposableStack;
  readonly #server: FileServer;
  readonly #key: DeviceKey;
  /** Paths on this machine, by version. */
  readonly #debs: Readonly<Record<string, string>>;
  /** Versions whose package is in the device's `/root`. */
  readonly #given = new Set<string>();
  #deviceId = "";
  #commands = 0;

  private constructor(parts: { opened: AsyncDisposableStack; ground: Ground; cloud: ProofCloud; server: FileServer; key: DeviceKey; debs: Readonly<Record<string, string>> }) {
    ({ opened: this.#opened, ground: this.ground, cloud: this.cloud, server: this.#server, key: this.#key, debs: this.#debs } = parts);
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

  static async #start({ installed, releases, ground: kind = container(), config = {} }: Wanted, opened: AsyncDisposableStack): Promise<InstalledDevice> {
    const folder = quickFolder("vitrine-installed-");
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const server = await FileServer.start(folder);
    opened.defer(() => server.stop());
    const cloud = await ProofCloud.start(join(folder, "cloud"));
    opened.defer(() => cloud.dev.stop());
    const opening = kind.open();
    // One that does not boot has closed itself, and is thrown where it is awaited.
    opened.defer(() => opening.then((ground) => ground.close(), () => {}));
    await newReleaseKey(join(folder, "key"), systemRandom);
    const releaseKey = await readFile(join(folder, "key.pub"), "utf8");
    const debs: Record<string, string> = {};
    for (const [version, faults] of Object.entries(releases)) debs[version] = await buildTestDeb(folder, version, { faults, releaseKey, arch: kind.arch });
    const ground = await opening;
    for (const base of [server.base, cloud.dev.base]) await ground.reach(Number(new URL(base).port));
    const settings = { device: { name: "Lobby" }, ...config, cloud: { endpoints: [cloud.endpoint], allowPlain: true, firstConnectSpreadMs: 0 } };
    await ground.read(`mkdir -p /etc/vitrine && printf '%s' '${JSON.stringify(settings)}' > /etc/vitrine/config.json && chmod 0644 /etc/vitrine/config.json`);
    const device = new InstalledDevice({ opened, ground, cloud, server, key: await readReleaseKey(join(folder, "key")), debs });
    await device.install(installed);
    const claimed = await ground.until(`vitrine status --json 2> /dev/null | grep '"kind":"claimed"'`, CLAIM_MS_MAX);
    ({ deviceId: device.#deviceId } = JSON.parse(claimed) as { deviceId: string });
    return device;
  }

  get deviceId(): string {
    return this.#deviceId;
  }

  /** Has dpkg install a version. What it wrote is on the disk afterwards. */
  async install(version: string): Promise<void> {
    const path = this.#pathOf(version);
    if (!this.#given.has(version)) await this.ground.give(path);
    this.#given.add(version);
    await this.ground.read(`dpkg --force-unsafe-io --install ${basename(path)} && sync -f /var/lib/dpkg`);
  }

  /** Keeps the device's own player from the agent's socket, so that a scripted one can take its place. */
  async withoutPlayer(): Promise<void> {
    await this.ground.read(`mkdir -p ${dirname(WAITING_DROP_IN)} && printf '%s\\n' '${WAITING_UNIT.join("' '")}' > ${WAITING_DROP_IN} && systemctl daemon-reload && systemctl restart vitrine-player`);
  }

  async withPlayer(): Promise<void> {
    await this.ground.read(`rm ${WAITING_DROP_IN} && systemctl daemon-reload && systemctl restart vitrine-player`);
  }

  /** The signed manifest of a version, whose files this machine serves. */
  async release(version: string, { downgrade = false } = {}): Promise<SignedRelease> {
    const made = await signedManifest({ packages: [this.#pathOf(version)], browsers: [], base: this.#server.base, downgrade, key: this.#key });
    if (!made.ok) throw new Error(made.error.message);
    return made.value.signed;
  }

  /** Puts keys into the desired document. */
  want(patch: JsonObject): void {
    const put = this.cloud.dev.cloud.desired.patch(this.#known(), patch);
    if (!put.ok) throw new Error(put.error.message);
  }

  /** A key of the reported document, as the cloud knows it. */
  reported(key: string): Json | undefined {
    return this.cloud.dev.cloud.context.store.document(this.deviceId, "reported")?.document[key];
  }

  /** Alarms that are raised, as the cloud knows them. */
  get alarms(): JsonObject {
    return this.cloud.dev.cloud.context.store.document(this.deviceId, "alarms")?.document ?? {};
  }

  get link(): LinkRow["state"] {
    return this.#known().link.state;
  }

  /** Sends a command; returns its id. */
  send(name: string, params: JsonObject): string {
    const id = `${name}-${(this.#commands += 1)}`;
    const sent = this.cloud.dev.cloud.commands.create(this.#known(), { id, name, params });
    if (!sent.ok) throw new Error(sent.error.message);
    return id;
  }

  /** Sends `software.update` to a version; returns the command's id. */
  async update(version: string, params: JsonObject = { holdSeconds: 5, trialMinutes: this.ground.trialMinutes }): Promise<string> {
    return this.send("software.update", { release: { ...(await this.release(version)) }, ...params });
  }

  row(id: string): CommandRow | undefined {
    return this.cloud.dev.cloud.context.store.command(this.deviceId, id);
  }

  /** Waits for the one outcome of a command. `limitMs`: on a container. */
  async outcome(id: string, limitMs = 300_000): Promise<CommandRow> {
    const untilMs = performance.now() + limitMs * this.ground.slowness;
    for (;;) {
      const row = this.row(id);
      if (row !== undefined && isFinal(row.state)) return row;
      if (performance.now() > untilMs) throw new Error(`${id} has no outcome within ${(limitMs * this.ground.slowness) / 1000} s: ${JSON.stringify(row)}\n${(await this.ground.run("journalctl --no-pager -n 60; ls -la /var/lib/vitrine-releases")).output}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** How often the cloud was told the outcome of a command. */
  outcomes(id: string): number {
    return this.cloud.records(this.deviceId).filter(({ command }) => command === `${id}/1`).length;
  }

  #known(): DeviceRow {
    const known = this.cloud.dev.cloud.context.store.device(this.deviceId);
    if (known === undefined) throw new Error("the cloud does not know the device");
    return known;
  }

  #pathOf(version: string): string {
    const path = this.#debs[version];
    if (path === undefined) throw new Error(`no package of version ${version} was built`);
    return path;
  }

  async close(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}
