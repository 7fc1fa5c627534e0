import { LOG_LEVELS } from "../../protocol/desired.ts";
import { UPLOAD_HOST } from "../../protocol/upload-address.ts";
import { ENDPOINT_SCHEMES } from "../../protocol/values.ts";
import { displayFlaws } from "../../../platform/ports/display-config.ts";
import { parseGpioLines } from "../../../platform/ports/gpio-lines.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { ConfigType, ConfigValue, ConfigValueOf } from "./config-type.ts";

/** One configuration key, as used by the resolver, the CLI and docs/configuration.md. */
export interface ConfigEntry {
  readonly type: ConfigType;
  readonly default: ConfigValue;
  /** Unit of a number: `ms`, `bytes`, `percent`. */
  readonly unit?: string;
  /** Desired state may change it at run time; the configured value is the initial one. */
  readonly mutable?: true;
  /** Never shown, logged or reported. */
  readonly secret?: true;
  /** Cannot be set in the file: it says where the file is, or applies to a single start. */
  readonly notInFile?: true;
  /** For a value of several entries: those that are not understood. The others are used. */
  readonly flaws?: (value: string) => readonly Issue[];
  readonly description: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

/** A comma-separated list of hosts that each match UPLOAD_HOST; may be empty. */
const UPLOAD_HOSTS = new RegExp(`^(?:${UPLOAD_HOST.source.slice(1, -1)}(?:,(?=.)|$))*$`);
const intervalMs: ConfigType = { kind: "integer", min: SECOND_MS, max: DAY_MS };
const text = (lengthMax: number) => ({ kind: "text", lengthMax }) as const;

/**
 * The whole configuration. Precedence, lowest first: default, file, environment, flag. `log.level` is
 * `{"log": {"level": "debug"}}` in the file, `VITRINE_LOG_LEVEL` in the environment and `--log-level` as a flag.
 */
export const CONFIG = {
  data: {
    type: { kind: "text", lengthMax: 1024, pattern: /./, patternSays: "the path of a folder" }, default: "/var/lib/vitrine", notInFile: true,
    description: "Folder for everything the agent keeps: identity, outbox, journal, content.",
  },
  "config.file": {
    type: text(1024), default: "", notInFile: true,
    description: "The configuration file. Empty: config.json in the data folder. The Debian package sets /etc/vitrine/config.json.",
  },
  strict: {
    type: { kind: "boolean" }, default: false, notInFile: true,
    description: "Refuse to start (exit code 78) when any part of the configuration is wrong. Otherwise wrong values are reported and the next lower source applies.",
  },
  "device.name": {
    type: text(128), default: "",
    description: "Display name, shown by the cloud and by identify. Empty: the first digits of the device id.",
  },
  platform: {
    type: { kind: "choice", choices: ["auto", "linux", "raspberry-pi", "simulated"] }, default: "auto",
    description: "Hardware adapter. auto detects the machine.",
  },
  "cloud.endpoints": {
    type: { kind: "addresses", protocols: [...ENDPOINT_SCHEMES.keys()], countMax: 8 }, default: [], mutable: true,
    description: "Addresses of the cloud, in the order they are tried. Desired state can move the device to others. Addresses without TLS are accepted only on loopback, or with cloud.allowPlain.",
  },
  "cloud.allowPlain": {
    type: { kind: "boolean" }, default: false,
    description: "Accept addresses of other machines without TLS for the link and uploads. Only for labs: anybody on the network can read and change what is sent.",
  },
  "cloud.pingMs": {
    type: { kind: "integer", min: 5 * SECOND_MS, max: 5 * MINUTE_MS }, default: 25 * SECOND_MS, unit: "ms",
    description: "Time without traffic after which the link is pinged. The cloud may set another value, and the device learns a shorter one where idle connections are cut.",
  },
  "cloud.firstConnectSpreadMs": {
    type: { kind: "integer", min: 0, max: 10 * MINUTE_MS }, default: 10 * SECOND_MS, unit: "ms",
    description: "The first connection after a boot is delayed by a random part of this, so that the devices of a site do not all connect at once when power returns.",
  },
  "cloud.proxy": {
    type: { kind: "proxy" }, default: [], secret: true,
    description: "Proxy for the link, uploads, packages and the page: http://[user:password@]host:port, or https:// for a proxy that is itself reached over TLS. This machine and link-local addresses are reached without it. A change restarts the browser. Secret, because it may contain a password.",
  },
  "cloud.noProxy": {
    type: { kind: "text", lengthMax: 2048, pattern: /^(?:(?:[A-Za-z0-9*._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\s*,\s*(?:[A-Za-z0-9*._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)*)?$/, patternSays: "host names or addresses separated by commas, such as menu.lan,192.168.1.20:8080,[fd00::5]" },
    default: "",
    description: "Hosts reached without cloud.proxy, by the agent and by the page: a name, which includes its subdomains, or an address (IPv6 in brackets; no ranges), each with or without a port. This machine and link-local addresses always are. For servers and sensors on the site's own network.",
  },
  "cloud.uploadHosts": {
    type: {
      kind: "text",
      lengthMax: 2048,
      pattern: UPLOAD_HOSTS,
      patternSays: "host names separated by commas, such as uploads.example,.storage.example,store.example:8443",
    },
    default: "",
    mutable: true,
    description: "Hosts that screenshots and logs may be uploaded to, in addition to the link's own host. A leading dot means all subdomains.",
  },
  "cloud.caFile": {
    type: text(1024), default: "",
    description: "PEM file with certificates to trust in addition to the machine's store (update-ca-certificates) and those built into Node, for the link, uploads and packages. Empty: no others.",
  },
  "provisioning.path": {
    type: text(1024), default: "/boot/firmware/vitrine.json",
    description: "Provisioning file that gives the device its network, cloud and owner without a person (docs/first-boot.md). Read at every start, unless vitrine-provision.service took it before.",
  },
  "sockets.dir": {
    type: text(1024), default: "",
    description: "Folder for the player's and the command line's sockets, for a data folder that may become read-only. Empty: the data folder. Set it as VITRINE_SOCKETS_DIR for the agent, the player host and the command line alike.",
  },
  "player.group": {
    type: { kind: "text", lengthMax: 64, pattern: /^[A-Za-z0-9._-]*$/, patternSays: "the name or the number of a group" }, default: "",
    description: "Group of the player host, if it runs as a separate user. Its members may use the player's socket and read packages, but nothing else of the agent's. Needs sockets.dir and content.dir outside the data folder, to which the group has no access. Empty: the player host runs as the agent's user.",
  },
  "player.localNetworkOrigins": {
    type: { kind: "addresses", protocols: ["https:", "http:"], countMax: 32 }, default: [],
    description: "Origins, such as https://menu.example, of content by address that may reach the site's own network and this machine, for example a sensor. Browsers deny that to pages from the internet. Packages name the hosts they may reach in their manifest and need no entry here.",
  },
  "player.logsDir": {
    type: text(1024), default: "",
    description: "Folder of the player host's log, if it has its own data folder. Empty: logs in the agent's data folder.",
  },
  "content.dir": {
    type: text(1024), default: "",
    description: "Folder for packages. Empty: content in the data folder.",
  },
  "outbox.bytesMax": {
    type: { kind: "integer", min: 4 * MIB, max: 16 * 1024 * MIB }, default: 64 * MIB, unit: "bytes",
    description: "Limit for everything the outbox keeps on disk, including write-ahead log and quarantine.",
  },
  "disk.keepFreeBytes": {
    type: { kind: "integer", min: 0, max: 1024 * 1024 * MIB }, default: 256 * MIB, unit: "bytes",
    description: "Disk space that must stay free when a package is downloaded and unpacked; otherwise the package is refused. Below it, health reports a problem.",
  },
  "log.level": {
    type: { kind: "choice", choices: LOG_LEVELS }, default: "info", mutable: true,
    description: "Least severe log line written.",
  },
  "log.pretty": {
    type: { kind: "choice", choices: ["auto", "always", "never"] }, default: "auto",
    description: "Coloured, human-readable log instead of JSON lines. auto: on a terminal.",
  },
  "telemetry.cpuMs": { type: intervalMs, default: 10 * SECOND_MS, unit: "ms", mutable: true, description: "How often CPU use is sampled." },
  "telemetry.loadMs": { type: intervalMs, default: MINUTE_MS, unit: "ms", mutable: true, description: "How often the load average is sampled." },
  "telemetry.memoryMs": { type: intervalMs, default: 30 * SECOND_MS, unit: "ms", mutable: true, description: "How often memory is sampled." },
  "telemetry.diskMs": { type: intervalMs, default: 5 * MINUTE_MS, unit: "ms", mutable: true, description: "How often free disk space is sampled." },
  "telemetry.temperatureMs": {
    type: intervalMs,
    default: 30 * SECOND_MS,
    unit: "ms",
    mutable: true,
    description: "How often the temperature is sampled.",
  },
  "telemetry.networkMs": { type: intervalMs, default: MINUTE_MS, unit: "ms", mutable: true, description: "How often network traffic is sampled." },
  "telemetry.uptimeMs": { type: intervalMs, default: 5 * MINUTE_MS, unit: "ms", mutable: true, description: "How often the uptime is sampled." },
  "telemetry.clockMs": { type: intervalMs, default: MINUTE_MS, unit: "ms", mutable: true, description: "How often the processor's clock is sampled." },
  "telemetry.supplyMs": { type: intervalMs, default: MINUTE_MS, unit: "ms", mutable: true, description: "How often undervoltage and throttling are sampled." },
  "telemetry.pressureMs": { type: intervalMs, default: MINUTE_MS, unit: "ms", mutable: true, description: "How often pressure is sampled: the share of the last minute in which programs waited for the processor, memory or the disk." },
  "telemetry.storageMs": { type: intervalMs, default: 5 * MINUTE_MS, unit: "ms", mutable: true, description: "How often it is looked for a new trial of the storage, which is made every hour." },
  "telemetry.playerMs": {
    type: intervalMs,
    default: 30 * SECOND_MS,
    unit: "ms",
    mutable: true,
    description: "How often the player's metrics are sampled.",
  },
  "telemetry.rollupMs": {
    type: { kind: "integer", min: 10 * SECOND_MS, max: DAY_MS }, default: 5 * MINUTE_MS, unit: "ms", mutable: true,
    description: "Length of one telemetry record: min, mean, max and last of the samples in it.",
  },
  displays: {
    type: text(8192), default: "", flaws: displayFlaws,
    description: "The displays that this device controls, the main one first, separated by semicolons: name=lobby,driver=cec,output=HDMI-A-1;name=menu,driver=… with the fields name, driver, connection (address or device file), output (the connector it is attached to) and set (its number on a shared connection, 1 to 255). Empty: those that the hardware adapter detects. Drivers and codes: docs/hardware.md.",
  },
  "audio.output": {
    type: text(256), default: "",
    description: "The sound output that audio.volume and audio.mute mean: its name, or a text that only its name, description or card contains, such as Headphones; on a Raspberry Pi also the connector, such as HDMI-A-1. Empty: the default output.",
  },
  "audio.socketsDir": {
    type: text(1024), default: "",
    description: "Folder with the sound server's sockets (pulse/native, pipewire-0) where the server runs as another user, such as /run/vitrine-sound. Empty: those of the agent's own session, or of a server for the whole machine.",
  },
  "compositor.socket": {
    type: { kind: "text", lengthMax: 107, pattern: /^(?:\/.+)?$/, patternSays: "an absolute path" }, default: "",
    description: "Wayland socket of the compositor that draws the player's window, such as /run/vitrine-player/wayland-0. With it the display driver output switches and turns displays, and screenshots can be taken without the browser. Empty: no compositor is asked.",
  },
  cec: {
    type: { kind: "boolean" }, default: true,
    description: "Use HDMI-CEC where the machine has it: the agent claims a logical address on each adapter and answers the TV.",
  },
  "gpio.chip": {
    type: text(256), default: "",
    description: "Label of the GPIO chip whose lines are used on a Linux machine other than a Raspberry Pi, as gpioinfo and gpiodetect show it; several labels separated by commas, the first one that is there is used. Empty: no GPIO. A Raspberry Pi uses its header.",
  },
  "gpio.lines": {
    type: text(4096), default: "", flaws: (value) => parseGpioLines(value).issues,
    description: "How lines are wired, separated by semicolons: line=GPIO17,name=relay,active=low,safe=0;line=PIN16,pull=up. Fields: line (GPIO17, PIN11; elsewhere the name that the kernel gives the line, or LINE4), name (one more name for it), active (high or low), drive (push-pull, open-drain, open-source), pull (none, up, down), safe (level it is driven to at every start of the agent, before anything else), reserved=no (the board does not use it otherwise).",
  },
  "gpio.inputs": {
    type: {
      kind: "text",
      lengthMax: 1024,
      pattern: /^(?:[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*)?$/,
      patternSays: "line names separated by commas, such as GPIO23,GPIO24",
    },
    default: "",
    description: "Lines watched as inputs (buttons, sensors): their edges go to the page and to the cloud. All other lines can be used as outputs.",
  },
  "display.remoteHoldMs": {
    type: { kind: "integer", min: 0, max: DAY_MS }, default: 60 * MINUTE_MS, unit: "ms",
    description: "How long a TV that was switched at the TV itself (its remote control, its own timer) is left as it is, if it says so on HDMI-CEC. The next edge of the schedule, a desired document or a command ends it sooner. 0: it is corrected at once, like any drift.",
  },
  "updates.socket": {
    type: { kind: "text", lengthMax: 107, pattern: /^(?:\/.+)?$/, patternSays: "an absolute path" }, default: "/run/vitrine-updater.sock",
    description: "Socket of the updater, which installs releases (docs/updates.md). Empty, or without that socket: the device cannot be updated by the cloud.",
  },
  "watchdog.hardware": {
    type: { kind: "boolean" }, default: false,
    description: "Feed the machine's hardware watchdog while the agent's own loops make progress, for machines whose systemd does not (RuntimeWatchdogSec). Its timeout is set to 60 s; one that cannot be longer than 30 s is not used.",
  },
  "recovery.rebootsPerDay": {
    type: { kind: "integer", min: 0, max: 24 }, default: 0, unit: "a day",
    description: "How often within a day of running time the agent may reboot the machine by itself, when its picture has been gone for 20 minutes and the player host could not bring it back. Each reboot triples the time before the next. 0: never. The service file for players sets 3.",
  },
} as const satisfies Readonly<Record<string, ConfigEntry>>;

export type ConfigKey = keyof typeof CONFIG;
export const CONFIG_KEYS = Object.keys(CONFIG) as readonly ConfigKey[];

export type ConfigValues = { readonly [K in ConfigKey]: ConfigValueOf<(typeof CONFIG)[K]["type"]> };

/** The entry with its general type. */
export function configEntry(key: ConfigKey): ConfigEntry {
  return CONFIG[key];
}

export function isConfigKey(key: string): key is ConfigKey {
  return Object.prototype.hasOwnProperty.call(CONFIG, key);
}

/** `cloud.firstConnectSpreadMs` → `VITRINE_CLOUD_FIRST_CONNECT_SPREAD_MS`. */
export function environmentName(key: ConfigKey): string {
  return `VITRINE_${words(key).join("_").toUpperCase()}`;
}

/** `cloud.firstConnectSpreadMs` → `--cloud-first-connect-spread-ms`. */
export function flagName(key: ConfigKey): string {
  return `--${words(key).join("-").toLowerCase()}`;
}

function words(key: string): readonly string[] {
  return key.split(".").flatMap((part) => part.split(/(?=[A-Z])/));
}
