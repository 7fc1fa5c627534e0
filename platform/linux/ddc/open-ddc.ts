import { join } from "node:path";
import type { Timers } from "../../ports/clock.ts";
import type { OpenDdc } from "../../ports/ddc.ts";
import { fail, ok, type Result } from "../../ports/result.ts";
import { KernelDevice, openDevice } from "../kernel/kernel-device.ts";
import { openNative } from "../kernel/native.ts";
import type { MachineFiles } from "../machine-files.ts";
import { LinuxDdc } from "./linux-ddc.ts";

const DRM = "sys/class/drm";
const CONNECTOR = /^card\d+-(?!Writeback-)(.+)$/;
const BUS = /^i2c-(\d+)$/;

export interface OpenDdcDeps {
  readonly files: MachineFiles;
  /** Where /dev is. */
  readonly root: string;
  readonly timers: Timers;
}

/** Opens I2C buses of this machine's outputs. Nothing is loaded before the first call. */
export function ddcOpener({ files, root, timers }: OpenDdcDeps): OpenDdc {
  let device: KernelDevice | undefined;
  return async ({ output, connection }) => {
    const found = connection === undefined ? findBus(files, output) : ok({ path: connection, folder: connectors(files, output).find(() => output !== undefined) });
    if (!found.ok) return found;
    const native = openNative();
    if (!native.ok) return native;
    device ??= new KernelDevice(native.value, timers, { name: "i2c" });
    const { path, folder } = found.value;
    const bus = await openDevice(join(root, path));
    if (!bus.ok) return openError(path, bus.error.name);
    return ok(new LinuxDdc({ bus: bus.value, path, device, isPlugged: () => (folder === undefined ? undefined : isPlugged(files, folder)) }));
  };
}

interface FoundBus {
  readonly path: string;
  /** The connector's folder. */
  readonly folder: string | undefined;
}

/** The bus of an output, or of the only connected one that has a bus. The connector's folder has a link `ddc` to it, or contains it. */
export function findBus(files: MachineFiles, output: string | undefined): Result<FoundBus> {
  const buses = connectors(files, output).flatMap((folder): FoundBus[] => {
    const number = BUS.exec(files.link(join(DRM, folder, "ddc"))?.split("/").at(-1) ?? "")?.[1] ?? files.names(join(DRM, folder)).map((name) => BUS.exec(name)?.[1]).find((each) => each !== undefined);
    return number === undefined ? [] : [{ path: `/dev/i2c-${number}`, folder }];
  });
  const candidates = output === undefined && buses.length > 1 ? buses.filter(({ folder }) => isPlugged(files, folder ?? "") === true) : buses;
  const [bus] = candidates;
  if (bus !== undefined && candidates.length === 1) return ok(bus);
  if (candidates.length > 1) return fail("ddc.no-channel", `several outputs have a display and an I2C bus: ${candidates.map(({ folder }) => folder).join(", ")}`, "name the output of the display");
  return fail("ddc.no-channel", output === undefined ? "no connected output has an I2C bus that the kernel shows" : `the kernel shows no I2C bus of the output ${output}`, "name the device file as the display's connection, such as /dev/i2c-20, or use another driver");
}

/** Folders of the connectors, or of the one of that name. */
function connectors(files: MachineFiles, output: string | undefined): readonly string[] {
  return files.names(DRM).filter((folder) => CONNECTOR.test(folder) && (output === undefined || CONNECTOR.exec(folder)?.[1] === output));
}

function isPlugged(files: MachineFiles, folder: string): boolean | undefined {
  const status = files.text(join(DRM, folder, "status"));
  return status.ok && status.value !== "unknown" ? status.value === "connected" : undefined;
}

function openError(path: string, errno: string): Result<never> {
  if (errno === "EACCES" || errno === "EPERM") return fail("ddc.no-access", `${path} may not be opened by this user`, "add the agent's user to the group i2c");
  if (errno === "ENOENT") return fail("ddc.no-channel", `there is no ${path}`, "load the kernel module i2c-dev");
  return fail("ddc.no-channel", `${path} cannot be opened: ${errno}`);
}
