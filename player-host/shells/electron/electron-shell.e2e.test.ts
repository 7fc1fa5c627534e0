import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { hangConformance } from "../shell-hangs.conformance.ts";
import { shellConformance } from "../shell.conformance.ts";
import type { ShellUnderTest } from "../testing/shell-under-test.ts";
import { RemoteShell } from "../testing/remote-shell.ts";

const PACKAGE = join(import.meta.dirname, "../../../node_modules/electron");

/** Electron's binary, if it was downloaded: its package names it in `path.txt`. */
function electronBinary(): string | undefined {
  const named = join(PACKAGE, "path.txt");
  const name = existsSync(named) ? readFileSync(named, "utf8").trim() : "electron";
  const path = join(process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(PACKAGE, "dist"), name);
  return existsSync(path) ? path : undefined;
}

const binary = electronBinary();

/** Electron has no headless mode: on Linux it needs a display server. */
function whyNot(): string | undefined {
  if (binary === undefined) return "Electron's binary is not here; VITRINE_ELECTRON=download fetches it where the network allows";
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === "linux" && DISPLAY === undefined && WAYLAND_DISPLAY === undefined) return "Electron needs a display server: run the tests under xvfb-run";
  return undefined;
}

const why = whyNot();

if (binary === undefined || why !== undefined) {
  reportLeftOut("the Shell suite on Electron", why ?? "");
  describe("Shell: electron", () => {
    test.skip("no Electron is here", () => undefined);
  });
} else {
  const electron: ShellUnderTest = {
    name: "electron",
    keepsPicture: true,
    makeShell: async (folder) => {
      const common = { bundle: true, platform: "node" as const, target: "node24", logLevel: "error" as const, external: ["electron"] };
      const require = 'import { createRequire as vitrineCreateRequire } from "node:module";\nconst require = vitrineCreateRequire(import.meta.url);';
      const main = join(folder, "main.mjs");
      await Promise.all([
        build({ ...common, format: "esm", banner: { js: require }, entryPoints: [join(import.meta.dirname, "testing/shell-process.ts")], outfile: main }),
        build({ ...common, format: "cjs", entryPoints: [join(import.meta.dirname, "preload.ts")], outfile: join(folder, "preload.cjs") }),
      ]);
      const flags = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
      const env = { ...process.env, VITRINE_TEST_FOLDER: join(folder, "profile") };
      return new RemoteShell(spawn(binary, [...flags, main], { stdio: ["ignore", "ignore", "inherit", "ipc"], serialization: "advanced", env }));
    },
  };
  shellConformance(electron);
  hangConformance(electron);
}
