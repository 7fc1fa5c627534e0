import type { BrowserReport } from "./browser-report.ts";

/** A browser that Vitrine is tested with. The README's table is generated from these; a test keeps it up to date. */
export interface SupportedBrowser {
  /** The first word of a shell's name. */
  readonly kind: "chromium" | "electron";
  readonly title: string;
  /** Versions on which the whole shell test suite ran. */
  readonly tested: readonly string[];
  /** Oldest supported major version, which is the oldest one tested. */
  readonly oldestMajor: number;
  /** How to update an older version; for display. */
  readonly update: string;
}

export const SUPPORTED_BROWSERS: readonly SupportedBrowser[] = [
  {
    kind: "chromium",
    title: "Chromium, Chrome",
    tested: ["150.0.7871.100", "156.0.8078.108"],
    oldestMajor: 150,
    update: "update it (Debian: apt-get update, then apt-get install chromium)",
  },
  { kind: "electron", title: "Electron", tested: [], oldestMajor: 45, update: "install the Electron version that package.json names" },
];

/** How a browser compares with the tested versions. */
export interface BrowserSupport {
  readonly support: BrowserReport["support"];
  /** For display; absent when there is nothing to say. */
  readonly sentence?: string;
  readonly todo?: string;
}

/** `name`: as reported by a shell, for example `chromium 156.0.8078.79`. Pure. */
export function browserSupport(name: string): BrowserSupport {
  const [kind, version = ""] = name.split(" ");
  const known = SUPPORTED_BROWSERS.find((each) => each.kind === kind);
  const major = Number(/^\d+/.exec(version)?.[0] ?? "NaN");
  if (known === undefined || Number.isNaN(major)) return { support: "unknown" };
  if (major < known.oldestMajor) {
    return { support: "too-old", sentence: `${name} is older than ${known.oldestMajor}, the oldest version that is supported`, todo: known.update };
  }
  if (known.tested.some((tested) => tested.split(".")[0] === String(major))) return { support: "tested" };
  return { support: "untested", sentence: known.tested.length === 0 ? `${name} was not tested` : `${name} was not tested; tested are ${known.tested.join(" and ")}` };
}
