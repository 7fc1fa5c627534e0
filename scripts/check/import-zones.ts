/** A part of the source tree and what it may import from the rest. Paths from the root; folders end in a slash. */
export interface Zone {
  readonly name: string;
  readonly at: readonly string[];
  readonly may: readonly string[];
  /** No `node:` modules and no packages except valibot, so that the code also runs in a panel's web page. */
  readonly pure: boolean;
  /** Reason, shown with a violation. */
  readonly why: string;
  /** May only be imported with `import()`. */
  readonly lazy?: readonly string[];
}

const VALUES = ["platform/ports/", "platform/runtime/"];
const WIRES = ["agent/protocol/", "player-host/contract/"];
/** Files, locks and logs for all our Node processes. */
const NODE = ["platform/node/"];
const ADAPTERS = [
  "platform/linux/",
  "platform/raspberry-pi/",
  "platform/displays/",
  "platform/tizen/",
  "platform/webos/",
  "platform/simulated/",
];
const SHELLS = ["player-host/shells/chromium/", "player-host/shells/electron/", "player-host/shells/panel/"];
const BELOW_SHELLS = ["player-host/host/", "player-host/stage/", "player-host/contract/", "player-host/page-api/", "player-host/screens/", ...VALUES];

/** What else an adapter may import: Raspberry Pi OS is a Linux, display protocols are shared, and so is how a Node process writes a file. */
const BUILT_ON: Readonly<Record<string, readonly string[]>> = {
  "platform/linux/": ["platform/displays/", ...NODE],
  "platform/raspberry-pi/": ["platform/linux/", "platform/displays/", ...NODE],
  // The real drivers control the simulated television over a simulated wire.
  "platform/simulated/": ["platform/displays/", ...NODE],
};

/**
 * Allowed import directions. Only composition roots may name concrete classes of another part; all other code
 * receives them as arguments, typed by a port.
 */
export const ZONES: readonly Zone[] = [
  {
    name: "platform/ports",
    at: ["platform/ports/"],
    may: [...VALUES, ...WIRES],
    pure: true,
    why: "ports use value types only",
  },
  {
    name: "platform/runtime",
    at: ["platform/runtime/"],
    may: VALUES,
    pure: true,
    why: "the runtime knows only ports",
  },
  {
    name: "a wire (agent/protocol, player-host/contract)",
    at: WIRES,
    may: [...WIRES, ...VALUES],
    pure: true,
    why: "a wire is data: whoever speaks it imports the wire, not the other way round",
  },
  {
    name: "agent/core",
    at: ["agent/core/"],
    may: ["agent/core/", ...WIRES, ...VALUES],
    pure: true,
    why: "the core has no machine under it: declare a port and take the implementation as an argument",
  },
  {
    name: "player-host/stage",
    at: ["player-host/stage/"],
    may: ["player-host/stage/", "player-host/contract/", ...VALUES],
    pure: true,
    why: "the stage is the same on every shell: declare a port and take the implementation as an argument",
  },
  {
    name: "player-host/host",
    at: ["player-host/host/"],
    may: ["player-host/host/", "player-host/stage/", "player-host/contract/", ...VALUES],
    pure: true,
    why: "the host's logic also runs inside a panel's web page: declare a port and take the implementation as an argument",
  },
  {
    name: "player-host/node",
    at: ["player-host/node/"],
    may: ["player-host/node/", "player-host/host/", "player-host/stage/", "player-host/contract/", ...VALUES, ...NODE],
    pure: false,
    why: "it is the machine under the host, and knows no shell",
  },
  {
    name: "agent/node",
    at: ["agent/node/"],
    may: ["agent/", "player-host/contract/", ...VALUES, ...NODE],
    pure: false,
    why: "of player-host the agent imports only the contract, and only its composition root names an adapter",
  },
  {
    name: "the agent's composition root",
    at: ["agent/node/compose.ts", "agent/node/main.ts", "agent/node/cli.ts"],
    may: ["agent/", "player-host/contract/", ...VALUES, ...NODE, "platform/detect.ts", "platform/linux/"],
    pure: false,
    why: "an adapter is chosen by platform/detect.ts",
  },
  {
    name: "agent/updater",
    at: ["agent/updater/"],
    may: ["agent/updater/", "agent/protocol/", ...VALUES, ...NODE],
    pure: false,
    why: "it runs as root and has to work when the agent does not, so it is small and knows nothing of it",
  },
  {
    name: "the updater's composition root",
    at: ["agent/updater/main.ts"],
    may: ["agent/updater/", "agent/protocol/", ...VALUES, ...NODE, "platform/linux/"],
    pure: false,
    why: "only it names concrete classes",
  },
  {
    name: "agent/slot",
    at: ["agent/slot/"],
    may: ["agent/slot/", "agent/core/updates/trial-judge.ts", "agent/node/local-api/", "agent/protocol/", ...VALUES, ...NODE],
    pure: false,
    why: "it judges the slots of an A/B image as root, and of the agent it knows the judge of a trial and the local API",
  },
  {
    name: "the slot judge's composition root",
    at: ["agent/slot/main.ts"],
    may: ["agent/slot/", ...VALUES, ...NODE, "platform/linux/"],
    pure: false,
    why: "only it names concrete classes",
  },
  {
    name: "the agent's support for simulated hardware",
    at: ["agent/node/simulated-hooks.ts", "agent/node/simulated-updater.ts", "agent/node/local-api/simulated-methods.ts"],
    may: ["agent/", ...VALUES, ...NODE, "platform/simulated/"],
    pure: false,
    why: "it stands between the local API and the simulated world, and is loaded only with that adapter",
  },
  {
    name: "player-host/shells/cdp",
    at: ["player-host/shells/cdp/"],
    may: ["player-host/shells/cdp/", ...BELOW_SHELLS],
    pure: false,
    why: "it is shared by shells over the DevTools protocol and knows none of them",
  },
  ...SHELLS.map((shell) => ({
    name: shell.slice(0, -1),
    at: [shell],
    may: [shell, "player-host/shells/cdp/", ...BELOW_SHELLS],
    pure: false,
    why: "a shell knows no other shell, and takes what player-host/node implements as an argument",
  })),
  ...SHELLS.map((shell) => ({
    name: `${shell}main.ts`,
    at: [`${shell}main.ts`],
    may: [shell, "player-host/shells/cdp/", "player-host/node/", ...BELOW_SHELLS, ...NODE, "platform/linux/", "platform/tizen/", "platform/webos/"],
    pure: false,
    why: "the composition root of a shell knows no other shell, and only the contract of the agent",
  })),
  {
    name: "the page API, our own screens and the sample page",
    at: ["player-host/page-api/", "player-host/screens/", "player-host/sample/"],
    may: ["player-host/page-api/", "player-host/screens/", "player-host/sample/", "player-host/contract/", ...VALUES],
    pure: false,
    why: "code in a page imports only the contract",
  },
  {
    name: "platform/node",
    at: NODE,
    may: [...NODE, "player-host/contract/", ...VALUES],
    pure: false,
    why: "it serves agent and player host alike, and knows neither",
  },
  {
    name: "platform/detect.ts",
    at: ["platform/detect.ts"],
    may: [...VALUES, ...ADAPTERS],
    lazy: ADAPTERS,
    pure: false,
    why: "detection knows adapters and ports",
  },
  ...ADAPTERS.map((adapter) => ({
    name: adapter.slice(0, -1),
    at: [adapter],
    may: [adapter, ...VALUES, ...(BUILT_ON[adapter] ?? [])],
    pure: false,
    why: "adapters know ports, not the agent, and of other adapters only what scripts/check/import-zones.ts lists",
  })),
];

/** Tests, conformance suites and their helpers. They may import any of our files, including scripts/. */
export function isTestFile(path: string): boolean {
  return /\.test\.ts$|\.conformance\.ts$|\/testing\//.test(path);
}
