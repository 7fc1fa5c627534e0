import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { NODE_ARCH, type Arch } from "./parts.ts";
import { shippedDoc, SHIPPED_DOCS } from "./shipped-docs.ts";
import type { Player } from "./control.ts";

/** A file of the package: its place, its mode and its content, which is a file's or a text. */
export interface Entry {
  /** Absolute on the device. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: { readonly from: string } | { readonly text: string };
}

/** Folder of the release that dpkg installs. */
export const RELEASE = "/usr/lib/vitrine";
/** The units, as dpkg installs them. */
export const UNITS = "/usr/lib/systemd/system";

export const UNIT_NAMES = [
  "vitrine-agent.service", "vitrine-player.service", "vitrine-reset@.service", "vitrine-slot.service",
  "vitrine-provision.service", "vitrine-setup@.socket", "vitrine-setup@.service", "vitrine-country@.service", "vitrine-certificate@.service",
] as const;

/** What installs releases and gives them their units stays what the package installed. */
const PACKAGE_UNITS = ["vitrine-updater.socket", "vitrine-updater.path", "vitrine-updater.service", "vitrine-units.service", "vitrine-repair.service"] as const;

/** Files of `scripts/systemd` that only dpkg can place, and where. */
const SYSTEM_FILES = [
  ["sysusers.conf", "/usr/lib/sysusers.d/vitrine.conf"],
  ["tmpfiles.conf", "/usr/lib/tmpfiles.d/vitrine.conf"],
  ["60-vitrine.rules", "/usr/lib/udev/rules.d/60-vitrine.rules"],
  ["vitrine-displays.rules", "/usr/lib/udev/rules.d/70-vitrine-displays.rules"],
  ["50-vitrine.rules", "/usr/share/polkit-1/rules.d/50-vitrine.rules"],
  ["journald.conf", "/usr/lib/systemd/journald.conf.d/50-vitrine.conf"],
  ["watchdog.conf", "/usr/lib/systemd/system.conf.d/50-vitrine.conf"],
  ["pipewire-pulse.conf", "/usr/share/pipewire/pipewire-pulse.conf.d/50-vitrine.conf"],
  ["browser-policy.json", "/etc/chromium/policies/managed/vitrine.json"],
  ["slot-shared.conf", "/etc/rpi-image-gen/slot-shared.d/vitrine.conf"],
  ["dnsmasq-setup.conf", "/etc/NetworkManager/dnsmasq-shared.d/vitrine-setup.conf"],
] as const;
/** Of those, the operator's to change. */
export const CONFFILES = [
  "/etc/NetworkManager/dnsmasq-shared.d/vitrine-setup.conf", "/etc/chromium/policies/managed/vitrine.json", "/etc/rpi-image-gen/slot-shared.d/vitrine.conf",
];

export interface TreeInput {
  /** The source tree, with a whole `dist/` and `node_modules/`. */
  readonly root: string;
  readonly arch: Arch;
  readonly version: string;
  /** Folders of npm's packages for the architecture (`unpackPart`). */
  readonly node: string;
  readonly koffi: string;
  readonly player: { readonly kind: Extract<Player, "chromium"> } | { readonly kind: Extract<Player, "electron">; readonly folder: string };
}

/** The release: what is below `RELEASE`, and what an update over the air brings too. Without `release.json`. */
export async function releaseTree({ root, arch, version, node, koffi, player }: TreeInput): Promise<readonly Entry[]> {
  const at = (path: string, from: string, mode: Entry["mode"] = 0o644): Entry => ({ path: `${RELEASE}/${path}`, mode, content: { from } });
  const systemd = (name: string): string => join(root, "scripts/systemd", name);
  const modules = join(root, "node_modules");
  const koffiName = `@koromix/koffi-linux-${NODE_ARCH[arch]}`;
  const koffiFolder = `linux_${NODE_ARCH[arch]}`;
  return [
    at("bin/node", join(node, "bin/node"), 0o755),
    at("bin/launch", systemd("launch"), 0o755),
    at("bin/vitrine-reset", systemd("vitrine-reset"), 0o755),
    at("bin/vitrine-provision", systemd("vitrine-provision"), 0o755),
    // Without it Node would have to find out that the programs are ES modules.
    { path: `${RELEASE}/package.json`, mode: 0o644, content: { text: `${JSON.stringify({ name: "vitrine", version, type: "module" })}\n` } },
    ...(await folder(at, join(root, "dist/agent"), "dist/agent")),
    ...(await folder(at, join(root, "dist/cli"), "dist/cli")),
    ...(await folder(at, join(root, "dist/slot"), "dist/slot")),
    ...(await folder(at, join(root, "dist/provision"), "dist/provision")),
    ...(await folder(at, join(root, "dist/certificate"), "dist/certificate")),
    ...(await folder(at, join(root, "dist/updater"), "dist/updater")),
    ...(player.kind === "chromium" ? await bundle(at, join(root, "dist/player-host"), "chromium", "dist/player-host") : await folder(at, player.folder, "electron", 0o755)),
    at("node_modules/better-sqlite3/package.json", join(modules, "better-sqlite3/package.json")),
    ...(await folder(at, join(modules, "better-sqlite3/lib"), "node_modules/better-sqlite3/lib")),
    at(`node_modules/better-sqlite3/prebuilds/linux-${NODE_ARCH[arch]}.node`, join(modules, `better-sqlite3/prebuilds/linux-${NODE_ARCH[arch]}.node`)),
    ...["package.json", "index.js", `${koffiFolder}/koffi.node`].map((file) => at(`node_modules/${koffiName}/${file}`, join(koffi, file))),
    ...UNIT_NAMES.map((name) => at(`systemd/${name}`, systemd(name))),
  ];
}

/** What dpkg places elsewhere, except what describes the package itself. */
export function systemTree(root: string): readonly Entry[] {
  const systemd = (name: string): string => join(root, "scripts/systemd", name);
  return [
    ...UNIT_NAMES.map((name): Entry => ({ path: `${UNITS}/${name}`, mode: 0o644, content: { from: systemd(name) } })),
    ...PACKAGE_UNITS.map((name): Entry => ({ path: `${UNITS}/${name}`, mode: 0o644, content: { from: systemd(name) } })),
    { path: "/usr/lib/systemd/system-generators/vitrine-generator", mode: 0o755, content: { from: systemd("vitrine-generator") } },
    ...SYSTEM_FILES.map(([name, path]): Entry => ({ path, mode: 0o644, content: { from: systemd(name) } })),
    { path: "/usr/libexec/vitrine-repair", mode: 0o755, content: { from: systemd("vitrine-repair") } },
    { path: "/usr/bin/vitrine", mode: 0o755, content: { text: `#!/bin/sh\nexec ${RELEASE}/bin/launch cli "$@"\n` } },
  ];
}

/** The documents that go into the package. */
export function docsTree(root: string): readonly Entry[] {
  return SHIPPED_DOCS.map((page): Entry => ({ path: `/usr/share/doc/vitrine/${basename(page)}`, mode: 0o644, content: { text: shippedDoc(root, page) } }));
}

type At = (path: string, from: string, mode?: Entry["mode"]) => Entry;

/** All files below a folder, without source maps. Executable with `programs` only where they are now. */
async function folder(at: At, from: string, to: string, programs: Entry["mode"] = 0o644): Promise<Entry[]> {
  const found = await readdir(from, { recursive: true, withFileTypes: true });
  const files = found.filter((each) => each.isFile() && !each.name.endsWith(".map")).map((each) => join(each.parentPath, each.name));
  return Promise.all(files.map(async (file) => at(`${to}${file.slice(from.length)}`, file, programs === 0o755 && (await isProgram(file)) ? 0o755 : 0o644)));
}

/** One bundle of `dist/`: its entry and its lazy parts. */
async function bundle(at: At, from: string, name: string, to: string): Promise<Entry[]> {
  const parts = `${name}-parts`;
  const hasParts = (await readdir(from)).includes(parts);
  return [at(`${to}/${name}.js`, join(from, `${name}.js`)), ...(hasParts ? await folder(at, join(from, parts), `${to}/${parts}`) : [])];
}

/** ELF programs and shared objects, and scripts: what an unpacked Electron has to run. The mode on the build machine depends on its umask. */
async function isProgram(file: string): Promise<boolean> {
  const head = (await readFile(file)).subarray(0, 4).toString("latin1");
  return head.startsWith("\u007FELF") || head.startsWith("#!");
}
