import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../platform/ports/log.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { startDevCloud, type DevCloud } from "../dev-cloud.ts";
import { ApiClient, type ApiAnswer } from "./api-client.ts";
import { scratch } from "./cloud-process.ts";
import { TestDevice } from "./test-device.ts";

/** The development cloud in this process, on a free port, with a sample, a dashboard and a folder of devices. */
export class RunningCloud {
  readonly folder: string;
  readonly base: string;
  readonly api: ApiClient;
  readonly #cloud: DevCloud;
  readonly #remove: () => void;

  private constructor(cloud: DevCloud, folder: string, remove: () => void) {
    this.#cloud = cloud;
    this.#remove = remove;
    this.folder = folder;
    this.base = cloud.base;
    this.api = new ApiClient(cloud.base);
  }

  static async start(): Promise<RunningCloud> {
    const place = scratch();
    const { path } = place;
    const sample = join(path, "sample");
    const dashboard = join(path, "dashboard");
    mkdirSync(join(sample, "media"), { recursive: true });
    mkdirSync(dashboard);
    writeFileSync(join(sample, "index.html"), "<p>menu</p>");
    writeFileSync(join(sample, "media", "film.mp4"), "0123456789");
    writeFileSync(join(sample, ".secret"), "not for others");
    writeFileSync(`${sample}.zip`, "zip bytes");
    writeFileSync(join(dashboard, "index.html"), "<p>dashboard</p>");
    writeFileSync(join(path, "outside.txt"), "not for others");
    const options = { port: 0, host: "127.0.0.1", data: join(path, "data"), devicesDir: join(path, "devices"), sample, dashboard };
    const more = { autoClaim: false, claimTokens: [], survives: "power-cut" } as const;
    return new RunningCloud(await startDevCloud({ ...options, ...more }, silentLog, "test"), path, () => place.remove());
  }

  /** Returns a connected device that was claimed through the API. */
  async claimed(): Promise<{ readonly device: TestDevice; readonly ownerKey: string }> {
    const device = await TestDevice.create();
    await device.join(this.base);
    const { code } = await device.expectType("pairing");
    const answer = await this.api.post("/claim", { code });
    const { owner } = await device.expectType("owner");
    if (answer.status !== 200 || owner.kind !== "claimed") throw new Error(`not claimed: ${JSON.stringify(answer.body)}`);
    return { device, ownerKey: owner.commandKey };
  }

  async stop(): Promise<void> {
    await this.#cloud.stop();
    this.#remove();
  }
}

/** Returns the object at a path of keys; throws when there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  let at: Json | undefined = value;
  for (const key of path) at = isJsonObject(at) ? at[key] : undefined;
  if (!isJsonObject(at)) throw new Error(`nothing at ${path.join(".")} of ${JSON.stringify(value)}`);
  return at;
}

/** Returns a string or number as text; throws for anything else. */
export function textOf(value: Json | undefined): string {
  if (typeof value === "string" || typeof value === "number") return `${value}`;
  throw new Error(`neither text nor number: ${JSON.stringify(value)}`);
}

/** Status and error code of an answer: `409 device.offline`. */
export function codeOf(answer: ApiAnswer): string {
  return `${answer.status} ${textOf(objectAt(answer.body, "error")["code"])}`;
}
