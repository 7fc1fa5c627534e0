import { signedBytes } from "../../agent/protocol/signed.ts";
import { keyFromSeed, newSeed } from "../../platform/linux/node-crypto.ts";
import type { SignedRelease } from "../../platform/ports/software.ts";
import { toBase64Url, toHex } from "../../platform/runtime/encoding.ts";
import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { RememberingCrypto } from "./remembering-crypto.ts";

/**
 * What is wrong with a release. Those before "good" show it only while they run; of the others nothing may ever run: the package's content is
 * another one, it needs the package manager, it is older without saying so, its signature is not of its manifest, its key is unknown.
 */
export const KINDS = ["does-not-start", "crashes", "no-picture", "wrong-picture", "cut-off", "good", "bad-package", "needs-package", "older", "bad-signature", "unknown-key"] as const;
export type ReleaseKind = (typeof KINDS)[number];
/** Those that draw nothing, or the wrong thing. */
export const WITHOUT_PICTURE: ReadonlySet<ReleaseKind> = new Set(["no-picture", "wrong-picture"]);

export interface SimRelease {
  readonly version: string;
  readonly kind: ReleaseKind;
  readonly downgrade: boolean;
  readonly signed: SignedRelease;
}

/** Version of the package that every device has. */
export const PACKAGED_VERSION = "1.0.0";
const COUNT = 40;

/** The releases of one simulation, each with its signed manifest. */
export class Releases {
  readonly key: string;
  readonly all: readonly SimRelease[];
  readonly #byVersion: ReadonlyMap<string, SimRelease>;

  static async create(random: SeededRandom, crypto: RememberingCrypto): Promise<Releases> {
    const vendor = crypto.remembering(keyFromSeed(newSeed(random)));
    const fingerprint = toHex((await crypto.sha256(vendor.publicKey)).subarray(0, 16));
    const all: SimRelease[] = [];
    for (let number = 1; number <= COUNT; number += 1) {
      const kind = random.chance(0.35) ? "good" : (KINDS[random.integer(0, KINDS.length - 1)] ?? "good");
      // A downgrade is as good as any other release.
      const downgrade = kind === "good" && random.chance(0.25);
      const version = kind === "older" ? `0.0.${number}` : downgrade ? `0.${number}.0` : `1.${number}.0`;
      const artefact = { url: `https://releases.test/${version}.deb`, bytes: random.integer(1_000, 60_000_000), sha256: toHex(random.bytes(32)) };
      const payload = JSON.stringify({ manifest: 1, version, ...(downgrade && { downgrade }), packages: { arm64: artefact } });
      const signature = toBase64Url(await vendor.sign(signedBytes("software", payload)));
      const signed = { payload: kind === "bad-signature" ? `${payload} ` : payload, key: kind === "unknown-key" ? "0".repeat(32) : fingerprint, signature };
      all.push({ version, kind, downgrade, signed });
    }
    return new Releases(toBase64Url(vendor.publicKey), all);
  }

  private constructor(key: string, all: readonly SimRelease[]) {
    this.key = key;
    this.all = all;
    this.#byVersion = new Map(all.map((release) => [release.version, release]));
  }

  /** "good" for the package's. */
  kindOf(version: string): ReleaseKind {
    return this.#byVersion.get(version)?.kind ?? "good";
  }
}
