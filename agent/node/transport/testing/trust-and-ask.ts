import { silentLog } from "../../../../platform/ports/log.ts";
import { SystemTimers } from "../../../../platform/linux/system-clock.ts";
import { exchangeHttp } from "../http-exchange.ts";
import { trustAuthorities } from "../trusted-authorities.ts";
import { WsTransport } from "../ws-transport.ts";

/**
 * Separate program: loads the trusted certificates as the agent does, connects to a TLS server on loopback, and prints the
 * result. Argument: the port.
 */
const port = process.argv[2] ?? "";
const { store } = trustAuthorities({ caFile: "", log: silentLog });
const signal = new AbortController().signal;
const http = await exchangeHttp({ method: "HEAD", url: `https://127.0.0.1:${port}/`, headers: {}, idleTimeoutMs: 10_000, signal }, {}, new SystemTimers());
const link = await new WsTransport({ timers: new SystemTimers(), clockQuality: async () => "synced" }).connect(`wss://127.0.0.1:${port}/`, { frame: () => {}, closed: () => {} }, signal);
process.stdout.write(JSON.stringify({ store, http: http.ok ? http.value.status : http.error.code, link: link.ok ? "open" : link.error.code }));
