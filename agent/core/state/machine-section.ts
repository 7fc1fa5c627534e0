import type { ReportedDocument } from "../../protocol/reported.ts";
import type { FileSystemErrors } from "../../../platform/ports/machine-facts.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import { wireReading } from "./wire-reading.ts";

/** The reported `machine`, without clock and pressure, which change with every reading; telemetry reports them. */
export async function machineSection({ power, probe }: Pick<PlatformAdapter, "power" | "probe">): Promise<ReportedDocument["machine"]> {
  const { device, card, lifeUsedPercent, reserve, fileSystems } = await probe.storage();
  return {
    bootId: await power.bootId(),
    undervoltage: wireReading(await probe.undervoltage()),
    throttling: wireReading(await probe.throttling()),
    storage: {
      device: wireReading(device),
      card: wireReading(card),
      lifeUsedPercent: wireReading(lifeUsedPercent),
      reserve: wireReading(reserve),
      fileSystems: wireReading(fileSystems.kind === "ok" ? { ...fileSystems, value: withErrors(fileSystems.value) } : fileSystems),
    },
  };
}

/** Only file systems with errors; the number as its power of ten. A failing card adds thousands, and every change is sent. */
function withErrors(all: readonly FileSystemErrors[]): { name: string; count: number; firstMs?: number }[] {
  return all.filter(({ count }) => count > 0)
    .map(({ name, count, firstMs }) => ({ name, count: 10 ** Math.floor(Math.log10(count)), ...(firstMs !== undefined && { firstMs }) }));
}
