import type { BrowserReport } from "./browser-report.ts";

/** What Vitrine was tested with. The README's table is made from this and held by a test. */
export interface SupportedBrowser {
  /** As at the beginning of a shell's name. */
  readonly kind: "chromium" | "electron";
  readonly title: string;
  /** Versions that the whole shell suite ran on. */
  readonly tested: readonly string[];
  /** Oldest major version that is supported: the oldest one that is tested. */
  readonly oldestMajor: number;
  /** What to do with an older one. */
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

/** How a browser stands to the tested versions. */
export interface BrowserSupport {
  readonly support: BrowserReport["support"];
  /** For a person; absent where there is nothing to say. */
  readonly sentence?: string;
  readonly todo?: string;
}

/** `name`: as a shell says it, `chromium 156.0.8078.79`. Pure. */
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
