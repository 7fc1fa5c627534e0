import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { transportConformance } from "../../core/cloud/transport.conformance.ts";
import { loopbackWorld } from "./testing/loopback-world.ts";
import { WsTransport } from "./ws-transport.ts";

const timers = new SystemTimers();

const transport = (): WsTransport => new WsTransport({ timers, clockQuality: async () => "synced" });

transportConformance("WsTransport", transport, () => loopbackWorld());
transportConformance("WsTransport to a server that compresses", transport, () => loopbackWorld({ compress: true }));
