import { readdir, readFile, type FileHandle } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Timers } from "../../ports/clock.ts";
import type { CecBus } from "../../ports/cec.ts";
import type { Issue, Result } from "../../ports/result.ts";
import { deviceFiles, KernelDevice, openDevice } from "../kernel/kernel-device.ts";
import { openNative, type SystemError } from "../kernel/native.ts";
import { CEC_CALL, decodeConnector } from "./cec-abi.ts";
import { LinuxCec } from "./linux-cec.ts";

export interface OpenedCec {
  /** In the order of their outputs' names, those whose output is not known last. */
  readonly buses: readonly (CecBus & { readonly cec: LinuxCec })[];
  /** What is wrong at present. An adapter that could not be opened stays in it, because it is not tried again. */
  readonly issues: () => readonly Issue[];
}

export interface OpenCecOptions {
  /** Where /dev and /sys are; usually `/`. */
  readonly root: string;
  readonly timers: Timers;
  readonly osdName: string;
  /** Only these device files; for tests. All by default. */
  readonly only?: readonly string[];
}

/**
 * Opens every HDMI-CEC adapter. One that cannot be opened is left out and reported (`kernel.no-native`, `cec.no-access`,
 * `cec.bus`); one that opens but does not start is kept, and reported until it works.
 */
export async function openCecAdapters({ root, timers, osdName, only }: OpenCecOptions): Promise<OpenedCec> {
  const paths = (await deviceFiles(join(root, "dev"), /^cec\d+$/)).filter((path) => only?.includes(basename(path)) !== false);
  if (paths.length === 0) return { buses: [], issues: () => [] };
  const native = openNative();
  if (!native.ok) return { buses: [], issues: () => [native.error] };
  const buses: { readonly output?: string; readonly cec: LinuxCec; readonly name: string }[] = [];
  const unopened: Issue[] = [];
  for (const path of paths) {
    const name = basename(path);
    const opened = await openDevice(path);
    if (!opened.ok) {
      unopened.push(openIssue(name, opened.error.name));
      continue;
    }
    const device = new KernelDevice(native.value, timers, { name });
    const output = await outputName(root, await connectorOf(device, opened.value));
    const reopen = () => (output === undefined ? openDevice(path) : openByOutput(root, device, output));
    const cec = new LinuxCec({ adapter: opened.value, reopen, device, timers, osdName });
    await cec.start();
    buses.push({ cec, name, ...(output !== undefined && { output }) });
  }
  const issues = (): readonly Issue[] => [
    ...unopened,
    ...buses.flatMap(({ cec: { issue }, name }) => (issue === undefined ? [] : [{ ...issue, message: `/dev/${name}: ${issue.message}` }])),
  ];
  return { buses: buses.sort(byOutput), issues };
}

type Connector = NonNullable<ReturnType<typeof decodeConnector>>;

/** The DRM connector of an adapter; `undefined` where the driver does not say. */
async function connectorOf(device: KernelDevice, adapter: FileHandle): Promise<Connector | undefined> {
  const bytes = Buffer.alloc(68);
  const asked = await device.ioctl(adapter.fd, CEC_CALL.connector, bytes);
  return asked.ok ? decodeConnector(bytes) : undefined;
}

/** The adapter of an output. Its number and its connector's may have changed. */
async function openByOutput(root: string, device: KernelDevice, output: string): Promise<Result<FileHandle, SystemError>> {
  for (const path of await deviceFiles(join(root, "dev"), /^cec\d+$/)) {
    const opened = await openDevice(path);
    if (!opened.ok) continue;
    if ((await outputName(root, await connectorOf(device, opened.value))) === output) return opened;
    await opened.value.close();
  }
  return { ok: false, error: { name: "ENODEV" } };
}

/** By name of the output; those without a known one last. */
export function byOutput(a: { readonly output?: string }, b: { readonly output?: string }): number {
  if (a.output === undefined || b.output === undefined) return Number(a.output === undefined) - Number(b.output === undefined);
  return a.output < b.output ? -1 : Number(a.output > b.output);
}

/** `HDMI-A-1` for a card's connector id, which the kernel lists in sysfs. */
async function outputName(root: string, at: Connector | undefined): Promise<string | undefined> {
  if (at === undefined) return undefined;
  const folder = join(root, "sys/class/drm");
  const connectors = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(`card${at.card}-`));
  for (const name of connectors) {
    const id = await readFile(join(folder, name, "connector_id"), "utf8").catch(() => "");
    if (Number(id) === at.connector) return name.slice(`card${at.card}-`.length);
  }
  return undefined;
}

function openIssue(name: string, errno: string): Issue {
  if (errno === "EACCES" || errno === "EPERM") return { code: "cec.no-access", message: `/dev/${name} may not be opened by this user`, hint: "add the agent's user to the group video" };
  return { code: "cec.bus", message: `/dev/${name} cannot be opened: ${errno}` };
}
