import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

interface Target {
  readonly target: string;
  readonly arch: readonly string[];
}

interface Configuration {
  readonly linux?: { readonly target?: readonly Target[] };
}

/** electron-builder's own reader and validator; its main export would load all its packagers. */
interface BuilderConfig {
  getConfig(projectDir: string, configPath: string, fromOptions: null): Promise<Configuration>;
  validateConfiguration(configuration: Configuration, debugLogger: { readonly isEnabled: boolean; add(): void }): Promise<void>;
}

let builder: BuilderConfig;
let configuration: Configuration;

beforeAll(async () => {
  builder = createRequire(import.meta.url)("app-builder-lib/out/util/config/config.js") as BuilderConfig;
  configuration = await builder.getConfig(ROOT, join(ROOT, "electron-builder.yml"), null);
});

const quiet = { isEnabled: false, add: () => undefined };

test("electron-builder accepts the configuration, and would refuse a wrong key", async () => {
  await builder.validateConfiguration(configuration, quiet);
  await expect(builder.validateConfiguration({ ...configuration, linux: { targets: [] } } as Configuration, quiet)).rejects.toThrow("configuration.linux");
});

test("the installed Electron is released for every architecture that is built", () => {
  const released = Object.keys(JSON.parse(readFileSync(join(ROOT, "node_modules/electron/checksums.json"), "utf8")) as object);
  const built = new Set(configuration.linux?.target?.flatMap(({ arch }) => arch));
  expect(built.size).toBeGreaterThan(0);
  for (const arch of built) expect(released.some((file) => new RegExp(`^electron-v[\\d.]+-linux-${arch}\\.zip$`).test(file)), arch).toBe(true);
});
