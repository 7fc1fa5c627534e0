import { expect } from "expect";
import type { Check } from "../agent/checks.ts";
import type { ImageBench } from "./image-bench.ts";
import type { ImageKind } from "./image-kind.ts";
import { PACKAGE_CHECKS, PLAYER_CHECKS } from "./package-checks.ts";
import { showsPage } from "./power-on.ts";
import { READ_ONLY_CHECKS } from "./read-only-checks.ts";

const MIB = 1024 ** 2;
/** The bench's card has 4 GiB or more; the image is smaller. */
const GROWN_BYTES = 3_000 * MIB;
/** The disk that the image is on: an SD card or, on QEMU's virt machine, another one. */
const DISK = "/dev/$(lsblk -no PKNAME $(findmnt -no SOURCE /))";
const IDENTITY = "cat /etc/machine-id /etc/hostname; vitrine status --json | grep -o '\"deviceId\": *\"[0-9a-f]*\"'";

/** A card image from the first boot on, in order. Nothing is typed: what the bench runs on it only looks. */
export function imageChecks(kind: ImageKind): readonly Check<ImageBench>[] {
  const parts: Readonly<Record<ImageKind, readonly Check<ImageBench>[]>> = {
    pi: [BOOTS, CLAIMED, GROWN, ...FIRST_BOOT, ...PACKAGE_CHECKS, ...AFTERWARDS],
    screen: [BOOTS, SHOWING, GROWN, ...FIRST_BOOT, ...PACKAGE_CHECKS, ...PLAYER_CHECKS, ...AFTERWARDS],
    "read-only": [BOOTS, CLAIMED, ...FIRST_BOOT, ...PACKAGE_CHECKS, ...AFTERWARDS, ...READ_ONLY_CHECKS],
  };
  return parts[kind];
}

const BOOTS: Check<ImageBench> = {
  name: "a blank card boots from what is on its boot partition",
  needed: true,
  async run({ pi }) {
    await pi.boot();
    console.log(`    the bench was in after ${(pi.bootMs / 1_000).toFixed(0)} s`);
  },
};

const CLAIMED: Check<ImageBench> = {
  name: "its provisioning file claims the device with nothing typed, and is gone from the boot partition",
  needed: true,
  async run(bench) {
    await claimed(bench);
    console.log(`    blank card to claimed: ${(bench.pi.onMs / 1_000).toFixed(0)} s`);
  },
};

const SHOWING: Check<ImageBench> = {
  name: "from a blank card to claimed and showing with nothing typed: the screen has the owner's page, and the cloud knows it",
  needed: true,
  async run(bench) {
    const { pi, cloud } = bench;
    const picture = pi.until("the page on the screen", async () => ((await showsPage(pi)) ? pi.onMs : undefined));
    const deviceId = await claimed(bench);
    const claimedMs = pi.onMs;
    const pictureMs = await picture;
    await pi.until("the cloud knows that it shows", () => Promise.resolve(JSON.stringify(cloud.cloud.context.store.document(deviceId, "reported")?.document["screen"] ?? null).includes('"verdict":"showing"') ? true : undefined));
    console.log(`    blank card to claimed: ${(claimedMs / 1_000).toFixed(0)} s; to the page on the screen: ${(pictureMs / 1_000).toFixed(0)} s; to the verdict "showing" in the cloud: ${(pi.onMs / 1_000).toFixed(0)} s`);
  },
};

/** Waits for the claim, and returns the device's id. */
async function claimed({ pi, cloud, deviceName }: ImageBench): Promise<string> {
  const { store } = cloud.cloud.context;
  const device = await pi.until("the device is claimed and online", () => Promise.resolve(store.devices().find(({ agent, owner, link }) => agent?.name === deviceName && owner !== undefined && link?.state === "online")));
  expect(await pi.read("ls /boot/firmware")).not.toContain("vitrine.json\n");
  return device.id;
}

const GROWN: Check<ImageBench> = {
  name: "the first boot has grown the root to the card, and the boot partition is still in the MBR",
  async run({ pi }) {
    await pi.until("the root has grown", async () => (Number(await pi.read("findmnt --bytes --noheadings --output SIZE /")) > GROWN_BYTES ? true : undefined));
    expect(await pi.read("findmnt --noheadings --output OPTIONS /")).toContain("noatime");
    // Type FAT, from sector 2048 on: what the boot ROM of a Pi 3 looks for.
    expect(await pi.read(`dd if=${DISK} bs=1 skip=450 count=1 status=none | od -An -tx1`)).toContain("0c");
  },
};

const FIRST_BOOT: readonly Check<ImageBench>[] = [
  {
    name: "it has a machine id and a name of its own, which the image has not",
    async run({ pi }) {
      expect(await pi.read("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
      expect(await pi.read("hostname; cat /etc/hostname")).toMatch(/^(vitrine-[0-9a-f]{8})\n\1$/);
    },
  },
  {
    name: "nobody can log in, and nothing listens but what the agent needs",
    async run({ pi }) {
      expect(await pi.read("cut -d: -f2 /etc/shadow | sort -u")).toMatch(/^[!*\n]+$/);
      expect((await pi.run("systemctl is-active ssh.service sshd.service")).output).toMatch(/^(inactive|unknown)\n(inactive|unknown)$/);
      // Both tables list what listens as state 0A; addresses of loopback are 0100007F and, in IPv6, end in 01000000.
      expect(await pi.read("awk '$4 == \"0A\" && $2 !~ /^(0100007F|0{24}01000000):/ { print $2 }' /proc/net/tcp /proc/net/tcp6")).toBe("");
    },
  },
];

const AFTERWARDS: readonly Check<ImageBench>[] = [
  {
    name: "no service of the image has failed, and nothing runs that the image does not want",
    async run({ pi }) {
      // systemd enables what no preset disables at a first boot.
      expect(await pi.read("systemctl list-units --state=active --plain --no-legend 'systemd-networkd*' 'apt-daily*' 'man-db*' 'dpkg-db*' 'e2scrub*' | cut -d' ' -f1")).toBe("");
      expect(await pi.read("systemctl list-units --failed --plain --no-legend | cut -d' ' -f1")).toBe("");
    },
  },
  {
    name: "the second boot, after a power cut, keeps the identity, and is not a first one",
    async run({ pi }) {
      const before = await pi.read(IDENTITY);
      await pi.read("sync");
      await pi.cutPower();
      await pi.boot();
      await pi.until("the agent answers", () => pi.status());
      expect(await pi.read(IDENTITY)).toBe(before);
      expect((await pi.run("systemctl show -P ConditionResult vitrine-identity")).output).toBe("no");
    },
  },
];
