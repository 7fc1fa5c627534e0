import type { Figure } from "../figures.ts";
import { EmulatedImage, type ImageOptions } from "./emulated-image.ts";

const SECTOR_BYTES = 512;
const MIB = 1024 ** 2;
/** Time of rest before the count: what the boot itself writes late is no idle day. */
const SETTLE_S = 300;
/** What is written once an hour counts once. */
const COUNT_S = 3_600;
const DAY_S = 86_400;

/**
 * What an idle day writes to the card: the kernel's own count of written sectors (Documentation/admin-guide/iostats.rst), taken over an
 * hour of the machine's own time, beside an image of the same Debian packages with nothing of ours. What is written less often than
 * once an hour is not counted.
 */
export async function idleWrites(pi: EmulatedImage, peer: ImageOptions): Promise<Figure> {
  const bare = await EmulatedImage.open(peer);
  try {
    await bare.boot();
    const [own, floor] = await Promise.all([bytesAnIdleDay(pi), bytesAnIdleDay(bare)]);
    return { name: "writes to the card an idle day", value: own / MIB, unit: "MiB", peer: "the same Debian packages alone", peerValue: floor / MIB, ratio: own / floor, target: 1.2 };
  } finally {
    await bare.close();
  }
}

async function bytesAnIdleDay(pi: EmulatedImage): Promise<number> {
  await sleepThere(pi, SETTLE_S);
  await pi.read("sync");
  const before = await counts(pi);
  await sleepThere(pi, COUNT_S);
  // What is accepted but not written yet belongs to this hour too.
  await pi.read("sync");
  const after = await counts(pi);
  return ((after.sectors - before.sectors) * SECTOR_BYTES * DAY_S) / (after.uptimeS - before.uptimeS);
}

async function counts(pi: EmulatedImage): Promise<{ readonly uptimeS: number; readonly sectors: number }> {
  const [uptime = "", sectors = ""] = (await pi.read("cut -d' ' -f1 /proc/uptime; awk '{ print $7 }' \"/sys/block/$(lsblk -no PKNAME \"$(findmnt -no SOURCE /)\")/stat\"")).split("\n");
  return { uptimeS: Number(uptime), sectors: Number(sectors) };
}

/** The machine's own seconds: an emulated one may be slower than this clock. */
async function sleepThere(pi: EmulatedImage, seconds: number): Promise<void> {
  await pi.read(`sleep ${seconds}`, seconds * 4_000);
}
