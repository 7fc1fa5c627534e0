import { expect } from "expect";
import type { Check } from "../agent/checks.ts";
import type { DevCloud } from "../../dev-cloud/dev-cloud.ts";
import type { EmulatedImage } from "./emulated-image.ts";

const MIB = 1024 ** 2;
/** The bench's card has 4 GiB; the image is much smaller. */
const GROWN_BYTES = 3_000 * MIB;

/** An image on its card, and the cloud that its provisioning file names. */
export interface ImageBench {
  readonly pi: EmulatedImage;
  readonly cloud: DevCloud;
  readonly deviceName: string;
  revive(): Promise<void>;
}

/** A card image from the first boot on, in order. Nothing is typed: what the bench runs on it only looks. */
export const IMAGE_CHECKS: readonly Check<ImageBench>[] = [
  {
    name: "a blank card boots from what is on its boot partition",
    needed: true,
    async run({ pi }) {
      await pi.boot();
      console.log(`    the bench was in after ${(pi.bootMs / 1_000).toFixed(0)} s`);
    },
  },
  {
    name: "the first boot has grown the root to the card, and the boot partition is still in the MBR",
    async run({ pi }) {
      await pi.until("the root has grown", async () => (Number(await pi.read("findmnt --bytes --noheadings --output SIZE /")) > GROWN_BYTES ? true : undefined));
      expect(await pi.read("findmnt --noheadings --output OPTIONS /")).toContain("noatime");
      // Type FAT, from sector 2048 on: what the boot ROM of a Pi 3 looks for.
      expect(await pi.read("dd if=/dev/mmcblk0 bs=1 skip=450 count=1 status=none | od -An -tx1")).toContain("0c");
    },
  },
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
  {
    name: "the agent runs under its unit, and `vitrine status` answers with its key's id",
    needed: true,
    async run({ pi }) {
      await pi.until("the unit is active", async () => ((await pi.run("systemctl is-active vitrine-agent")).output === "active" ? true : undefined));
      expect(await pi.read("stat -c %U /proc/$(systemctl show -P MainPID vitrine-agent)")).toBe("vitrine-agent");
      const status = await pi.until("the agent answers", () => pi.status());
      expect(status).toMatchObject({ adapter: "raspberry-pi", bootId: pi.bootId });
      console.log(`    the agent answers ${await pi.read("cut -d. -f1 /proc/uptime")} s after the kernel started`);
    },
  },
  {
    name: "the provisioning file was taken from the boot partition, and claims the device with nothing typed",
    async run({ pi, cloud, deviceName }) {
      expect(await pi.read("ls /boot/firmware")).not.toContain("vitrine.json\n");
      // The bench's cloud has no certificate and answers to loopback names only. Nothing else differs.
      const port = new URL(cloud.base).port;
      await pi.read(`mkdir -p /run/systemd/system/vitrine-agent.service.d
printf '[Service]\\nEnvironment=VITRINE_CLOUD_ALLOW_PLAIN=true\\n' > /run/systemd/system/vitrine-agent.service.d/bench.conf
printf '[Socket]\\nListenStream=127.0.0.1:${port}\\n' > /run/systemd/system/bench-cloud.socket
printf '[Service]\\nExecStart=/lib/systemd/systemd-socket-proxyd 10.0.2.2:${port}\\n' > /run/systemd/system/bench-cloud.service
systemctl daemon-reload; systemctl start bench-cloud.socket; systemctl restart --no-block vitrine-agent`);
      const claimed = await pi.until("the device is claimed and online", async () => {
        const status = await pi.status();
        return status?.owner.kind === "claimed" && status.link.kind === "online" ? status : undefined;
      });
      expect(cloud.cloud.context.store.device(claimed.deviceId)).toMatchObject({ name: deviceName });
    },
  },
  {
    name: "no service of the image has failed, and nothing runs that the image does not want",
    async run({ pi }) {
      // systemd enables what no preset disables at a first boot.
      expect(await pi.read("systemctl list-units --state=active --plain --no-legend 'systemd-networkd*' 'apt-daily*' 'man-db*' 'dpkg-db*' 'e2scrub*' | cut -d' ' -f1")).toBe("");
      // The player has no browser and no display here.
      expect((await pi.read("systemctl list-units --failed --plain --no-legend | cut -d' ' -f1")).split("\n").filter((unit) => unit !== "" && unit !== "vitrine-player.service")).toEqual([]);
    },
  },
  {
    name: "the second boot keeps the identity, and is not a first one",
    async run({ pi }) {
      const before = await pi.read("cat /etc/machine-id /etc/hostname; vitrine status --json | grep -o '\"deviceId\": *\"[0-9a-f]*\"'");
      await pi.read("sync");
      await pi.cutPower();
      await pi.boot();
      await pi.until("the agent answers", () => pi.status());
      expect(await pi.read("cat /etc/machine-id /etc/hostname; vitrine status --json | grep -o '\"deviceId\": *\"[0-9a-f]*\"'")).toBe(before);
      expect((await pi.run("systemctl show -P ConditionResult vitrine-identity")).output).toBe("no");
    },
  },
];
