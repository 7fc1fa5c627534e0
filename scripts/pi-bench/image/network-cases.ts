import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";
import type { InstalledDevice } from "../../package/testing/installed-device.ts";
import { pauseMs } from "../../prove/harness/agent-process.ts";

/** The device tries settings for three minutes of its own time. */
const BACK_MS_MAX = 30 * 60_000;
const LOOK_MS = 500;
const ADDRESSES_LOG = "/run/bench-addresses";
/** What a change of the network leaves as it was: addresses, and profiles with what is active. */
const NETWORK = "ip -4 -brief address show scope global; nmcli -t -f NAME,TYPE,ACTIVE,AUTOCONNECT connection show | sort";

/** How settings that cut the device off ended. */
export interface CutOff {
  /** The addresses that were in force meanwhile, one a line, as the kernel told them. */
  readonly addresses: string;
  /** The network before and after. */
  readonly before: string;
  readonly after: string;
  /** The device's answer to the desired key `network`. */
  readonly answer: JsonObject;
}

/**
 * Wants a static address in a network that is not there (RFC 5737), waits for the answer and the alarm in the cloud, and wants it no longer.
 * `meanwhile` runs once the device is cut off.
 */
export async function cutOff(device: InstalledDevice, address: string, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<CutOff> {
  const { ground } = device;
  const name = await ground.read("nmcli -t -f DEVICE,TYPE,STATE device | sed -n 's/:ethernet:connected$//p'");
  const before = await ground.read(NETWORK);
  await ground.read(`setsid ip -4 monitor address > ${ADDRESSES_LOG} 2>&1 &`);
  device.want({ network: { interfaces: { [name]: { method: "static", address: `${address}/24`, gateway: "192.0.2.1", dns: [] } } } });
  try {
    await until("the device is cut off", () => device.link !== "online");
    await meanwhile();
    const answer = await until("the answer about the network", () => {
      const found = answerOf(device);
      return found?.["status"] === "failed" ? found : undefined;
    });
    await until("the device is back", () => device.link === "online");
    await until("the alarm", () => device.alarms["network.change-reverted"] !== undefined);
    return { addresses: await ground.read(`cat ${ADDRESSES_LOG} 2>/dev/null || true`), before, after: await ground.read(NETWORK), answer };
  } finally {
    device.want({ network: null });
    await until("the answer is withdrawn", () => answerOf(device) === undefined);
  }
}

function answerOf(device: InstalledDevice): JsonObject | undefined {
  const desired = device.reported("desired");
  const keys = isJsonObject(desired) ? desired["keys"] : undefined;
  const answer = isJsonObject(keys) ? keys["network"] : undefined;
  return isJsonObject(answer) ? answer : undefined;
}

/** Waits until `look` gives something that is neither false nor undefined. */
async function until<T>(what: string, look: () => T | false | undefined): Promise<T> {
  const untilMs = performance.now() + BACK_MS_MAX;
  for (;;) {
    const found = look();
    if (found !== false && found !== undefined) return found;
    if (performance.now() > untilMs) throw new Error(`not within ${BACK_MS_MAX / 1_000} s: ${what}`);
    await pauseMs(LOOK_MS);
  }
}
