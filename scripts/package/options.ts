import { parseArgs } from "node:util";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";
import { ARCHES, type Arch } from "./parts.ts";

export interface PackageOptions {
  readonly arches: readonly Arch[];
  /** Folder for the packages. */
  readonly out: string;
  /** Compare each package's size with that of Node alone. */
  readonly sizes: boolean;
  /** File with the public keys of releases that devices with this package take over the air. */
  readonly releaseKey: string | undefined;
}

export const HELP = `npm run package:deb -- [options]

Builds the Debian packages vitrine_<version>_<arch>.deb, for Debian 13 and Raspberry Pi OS of the same base.

  --arch arm64|amd64   only this architecture (default: both)
  --out DIR            folder for the packages (default: dist/package)
  --sizes              also pack Node's binary alone, the same way, and compare: takes twice as long
  --release-key FILE   public half of the release key (npm run package:manifest -- --new-key): devices with this package take
                       releases over the air that are signed with it. Without one, put it into /etc/vitrine/release-keys on each device
  --help               this text

The player is the Electron in dist/electron-builder/linux-unpacked (amd64) or linux-arm64-unpacked, if electron-builder made one
(npx electron-builder --linux dir --x64 --arm64); else the package depends on Debian's Chromium.
SOURCE_DATE_EPOCH sets the time of all files; by default it is that of the last commit.`;

/** Parses the command line; `undefined` means that help was requested. Error: `package.usage`. */
export function parseOptions(args: readonly string[]): Result<PackageOptions | undefined> {
  let values: { arch?: string; out?: string; sizes?: boolean; "release-key"?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options: { arch: { type: "string" }, out: { type: "string" }, sizes: { type: "boolean" }, "release-key": { type: "string" }, help: { type: "boolean", short: "h" } } }));
  } catch (thrown) {
    // parseArgs throws for unknown options, missing values and stray words, and its message names them.
    return usage(messageOf(thrown).split(". ")[0] ?? "");
  }
  if (values.help === true) return ok(undefined);
  const { arch, out = "dist/package", sizes = false } = values;
  if (out === "") return usage("--out names a folder");
  const wanted = ARCHES.filter((each) => arch === undefined || each === arch);
  return wanted.length === 0 ? usage(`--arch is ${ARCHES.join(" or ")}, not "${String(arch)}"`) : ok({ arches: wanted, out, sizes, releaseKey: values["release-key"] });
}

function usage(message: string): Result<never> {
  return fail("package.usage", message, "npm run package:deb -- --help lists the options.");
}
