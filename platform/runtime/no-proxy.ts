import { parseUrl } from "./parse-url.ts";

/** A host that is reached without the proxy. */
export interface NoProxyEntry {
  /** `*`, a name (it stands for itself and for every name below it), an IPv4 address, or an IPv6 address in brackets. As `URL.hostname` spells it. */
  readonly host: string;
  /** Only this port; absent for every port. */
  readonly port?: string;
}

const ENTRY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9*._-]+)(?::(\d{1,5}))?$/;
const ADDRESS = /^(?:\[.*\]|\d+(?:\.\d+){3})$/;
/** What Chromium never sends to a proxy, so that all parts go the same way (its net/docs/proxy.md, "implicit bypass rules"): loopback and link-local addresses. */
const ALWAYS_DIRECT = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|169\.254(?:\.\d+){2}|\[::1\]|\[fe[89ab][0-9a-f]:.*\])$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "ws:": "80", "https:": "443", "wss:": "443" };

/** The entries of a list separated by commas, such as `menu.lan,.cams.lan,192.168.1.20:8080,[fd00::5]`. What is no entry is left out. */
export function noProxyEntries(list: string): readonly NoProxyEntry[] {
  return list.split(",").flatMap((text) => {
    const [, written = "", port] = ENTRY.exec(text.trim()) ?? [];
    if (written === "") return [];
    if (written === "*") return [{ host: "*", ...(port !== undefined && { port }) }];
    const host = parseUrl(`http://${written.replace(/^\*?\./, "")}`)?.hostname ?? "";
    return host === "" ? [] : [{ host, ...(port !== undefined && { port }) }];
  });
}

/** Whether `target` is reached without the proxy: by the list, or because it is on this machine or this link. */
export function isReachedDirectly(target: URL, list: string): boolean {
  const name = target.hostname.toLowerCase();
  if (ALWAYS_DIRECT.test(name)) return true;
  const port = target.port || DEFAULT_PORTS[target.protocol];
  return noProxyEntries(list).some((entry) => {
    if (entry.port !== undefined && entry.port !== port) return false;
    if (entry.host === "*" || entry.host === name) return true;
    return !ADDRESS.test(name) && name.endsWith(`.${entry.host}`);
  });
}
