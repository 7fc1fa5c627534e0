import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { transportConformance } from "../../core/cloud/transport.conformance.ts";
import { loopbackWorld } from "./testing/loopback-world.ts";
import { WsTransport } from "./ws-transport.ts";

const timers = new SystemTimers();

transportConformance("WsTransport", () => new WsTransport({ timers, clockQuality: async () => "synced" }), loopbackWorld);
