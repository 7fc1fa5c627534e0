/** One bundle: a program or script from its entry file. Paths are relative to the root. */
export interface Bundle {
  readonly entry: string;
  readonly output: string;
  /** `node`: a program for Node 24. `preload`: Electron's sandboxed preload. `page`: for a browser or a panel. */
  readonly target: "node" | "preload" | "page";
}

/** A folder of pages: files are copied, `*.dom.ts` scripts are bundled. */
export interface Pages {
  readonly from: string;
  readonly to: string;
}

export const BUNDLES: readonly Bundle[] = [
  { entry: "agent/node/main.ts", output: "dist/agent/main.js", target: "node" },
  { entry: "agent/node/take-provisioning-main.ts", output: "dist/provision/main.js", target: "node" },
  { entry: "platform/linux/prepare-certificate-main.ts", output: "dist/certificate/main.js", target: "node" },
  { entry: "platform/linux/take-certificate-main.ts", output: "dist/certificate/take.js", target: "node" },
  { entry: "agent/node/cli.ts", output: "dist/cli/main.js", target: "node" },
  { entry: "agent/updater/main.ts", output: "dist/updater/main.js", target: "node" },
  { entry: "agent/slot/main.ts", output: "dist/slot/main.js", target: "node" },
  { entry: "player-host/shells/chromium/main.ts", output: "dist/player-host/chromium.js", target: "node" },
  { entry: "player-host/shells/electron/main.ts", output: "dist/player-host/electron/main.js", target: "node" },
  { entry: "player-host/shells/electron/preload.ts", output: "dist/player-host/electron/preload.cjs", target: "preload" },
  { entry: "player-host/page-api/page-api.dom.ts", output: "dist/player-host/page-api.js", target: "page" },
  { entry: "scripts/dev-cloud/main.ts", output: "dist/dev-cloud/main.js", target: "node" },
];

export const PAGES: readonly Pages[] = [
  { from: "player-host/screens", to: "dist/player-host/screens" },
  { from: "scripts/dev-cloud/dashboard", to: "dist/dev-cloud/dashboard" },
];
