/**
 * Units that the bench adds to an image without changing it: systemd takes them from credentials on the kernel's command line
 * (systemd.system-credentials(7)), which arm64's kernel limits to 2,048 characters.
 */
import type { MachineKind } from "../machine.ts";

const COMMAND_LINE_MAX = 2_047;
/** QEMU's address of this machine in its user network. */
export const HOST = "10.0.2.2";
/** Over QEMU's USB network NetworkManager got no address by DHCP (seen 2026-11-30, not explained), so the Pi gets one as on the bench's own card. */
const PI_ADDRESS = `ip a replace 10.0.2.15/24 dev usb0;ip l set usb0 up;ip r replace default via ${HOST};`;

export interface BenchPorts {
  /** Of the shell that runs the bench's scripts, on this machine. */
  readonly shell: number;
  /** Of the cloud, on this machine. It answers to loopback names only, so it is on the device's loopback too. Absent: no agent. */
  readonly cloud?: number;
}

/** What is appended to the image's own command line. Throws when the whole gets too long. */
export function withBenchUnits(commandLine: string, machine: MachineKind, { shell, cloud }: BenchPorts): string {
  const units = [
    "systemd.wants=bench.service", unit("bench.service", shellUnit(machine, shell)),
    ...(cloud === undefined ? [] : [
      "systemd.wants=bench-cloud.socket", unit("bench-cloud.socket", `[Socket]\nListenStream=127.0.0.1:${cloud}\n`),
      unit("bench-cloud.service", `[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd ${HOST}:${cloud}\n`),
      // The bench's cloud has no certificate.
      dropIn("vitrine-agent.service", "[Service]\nEnvironment=VITRINE_CLOUD_ALLOW_PLAIN=true\n"),
    ]),
    // Without a GPU the compositor draws with the processor: it has to be told.
    ...(machine === "virt" && cloud !== undefined ? [dropIn("vitrine-player.service", "[Service]\nEnvironment=WLR_RENDERER=pixman\n")] : []),
  ];
  const whole = `${commandLine.trim()} ${units.join(" ")}`;
  if (whole.length > COMMAND_LINE_MAX) throw new Error(`the kernel's command line has ${whole.length} characters, more than ${COMMAND_LINE_MAX}`);
  return whole;
}

/** Connects to the bench at each boot and runs its scripts, as `guest/player/shell.sh` does. Quoted for a unit file, where $ and % are doubled. */
function shellUnit(machine: MachineKind, port: number): string {
  return `[Unit]
StartLimitIntervalSec=0
[Service]
Restart=always
RestartSec=2
ExecStart=/bin/bash -c '${machine === "raspi3b" ? PI_ADDRESS : ""}exec 3<>/dev/tcp/${HOST}/${port}||exit 1;cat /proc/sys/kernel/random/boot_id>&3;while read -r l<&3;do o=$$(base64 -d<<<"$$l"|bash 2>&1 3>&-);s=$$?;echo "$$s $$(base64 -w0<<<"$$o")">&3;done'
`;
}

function unit(name: string, text: string): string {
  return credential(`systemd.extra-unit.${name}`, text);
}

function dropIn(name: string, text: string): string {
  return credential(`systemd.unit-dropin.${name}`, text);
}

function credential(name: string, text: string): string {
  return `systemd.set_credential_binary=${name}:${Buffer.from(text).toString("base64")}`;
}
