import { parseArgs } from "node:util";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

const RELEASES = ["trixie", "bookworm"] as const;
export type Release = (typeof RELEASES)[number];

export interface ImageOptions {
  readonly out: string;
  readonly release: Release;
  /** The .deb to install; `undefined`: it is built. */
  readonly packagePath: string | undefined;
  /** A public key that may log in as root. Absent: the image has no ssh. */
  readonly sshKeyPath: string | undefined;
  /** Goes into the package that is built for the image. */
  readonly releaseKeyPath: string | undefined;
  /** Put on the boot partition. */
  readonly provisioningPath: string | undefined;
  readonly readOnly: boolean;
  /** Without the browser, compositor and fonts: for tests of the rest. */
  readonly withoutBrowser: boolean;
}

export const USAGE = `npm run pi:image -- [--out FILE] [--release ${RELEASES.join("|")}] [--package FILE] [--ssh-key FILE] [--release-key FILE] [--provisioning FILE] [--read-only]

Makes an SD card image of Debian and Vitrine for 64-bit Raspberry Pis. Needs root on Debian or Ubuntu, 6 GB of free space, and
on another processor QEMU's user emulation, which it installs. The first image takes half an hour, the next some minutes.

  --out              the image; vitrine-VERSION-RELEASE.img by default
  --release          Debian 13 (trixie, the default) or 12 (bookworm: labwc is too old for power and rotation of outputs)
  --package          a Debian package that was built before; by default it is built (npm run package:deb)
  --ssh-key          a public key that may log in as root over ssh; without it the image has no ssh at all
  --release-key      public half of the release key, so that devices of this image take updates over the air that are signed with it;
                     not with --package, whose package has its own
  --provisioning     a provisioning file for the boot partition: devices of this image are claimed with nothing typed
  --read-only        from the second boot on the root file system is read-only, with an overlay in memory
  --without-browser  leaves out the browser and the compositor: for tests of the rest

Nobody can log in at the image's console, and it has no device key: each device makes its own. docs/card-image.md`;

/** `undefined`: help is wanted. Error: `image.usage`. */
export function readOptions(args: readonly string[]): Result<ImageOptions | undefined> {
  const parsed = parse(args);
  if (!parsed.ok) return parsed;
  const { values } = parsed.value;
  if (values.help === true) return ok(undefined);
  const wanted = values.release ?? "trixie";
  const release = RELEASES.find((name) => name === wanted);
  if (release === undefined) return fail("image.usage", `there is no release "${wanted}" here: ${RELEASES.join(" or ")}`);
  if (release === "bookworm" && values["read-only"] === true) return fail("image.usage", "--read-only needs trixie: the systemd of bookworm makes no partition for the state at the first boot");
  if (values.package !== undefined && values["release-key"] !== undefined) return fail("image.usage", "--release-key goes into the package that is built here; build yours with it instead (npm run package:deb -- --release-key)");
  return ok({
    out: values.out ?? "",
    release,
    packagePath: values.package,
    sshKeyPath: values["ssh-key"],
    releaseKeyPath: values["release-key"],
    provisioningPath: values.provisioning,
    readOnly: values["read-only"] ?? false,
    withoutBrowser: values["without-browser"] ?? false,
  });
}

function parse(args: readonly string[]) {
  try {
    return ok(
      parseArgs({
        args: [...args],
        options: {
          out: { type: "string" },
          release: { type: "string" },
          package: { type: "string" },
          "ssh-key": { type: "string" },
          "release-key": { type: "string" },
          provisioning: { type: "string" },
          "read-only": { type: "boolean" },
          "without-browser": { type: "boolean" },
          help: { type: "boolean" },
        },
      }),
    );
  } catch (thrown) {
    return fail("image.usage", messageOf(thrown));
  }
}

/** Why a file cannot be an ssh public key: a private one must never get onto an image. `undefined`: it can. */
export function whyNoPublicKey(text: string): string | undefined {
  if (text.includes("PRIVATE KEY")) return "it is a private key; its public one ends in .pub";
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (lines.length === 0) return "it is empty";
  const bad = lines.findIndex((line) => !/^(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/=]{60,}(?: .*)?$/.test(line.trim()));
  return bad < 0 ? undefined : `line ${bad + 1} is no OpenSSH public key`;
}
