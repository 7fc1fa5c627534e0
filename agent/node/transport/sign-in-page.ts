import { randomBytes, randomInt } from "node:crypto";
import { lookup as systemLookup } from "node:dns";
import { request } from "node:http";
import type { LookupFunction } from "node:net";

/** Enough for any page's head and form; the rest is not read. */
const PAGE_BYTES_MAX = 64 * 1024;
/** RFC 5737: reserved for documentation and routed nowhere, so that only something in between can answer. */
const NOWHERE = "203.0.113.";
/** RFC 2606: the zone is IANA's and has no such names. Resolvers answer for `.invalid` themselves, without asking the network. */
const NO_NAMES_IN = "example.com";

export interface PlainHttp {
  readonly port: number;
  readonly lookup?: LookupFunction;
  /** An address that no machine has; default: one of RFC 5737. */
  readonly nowhere?: string;
}

export interface PlainAnswer {
  readonly status: number;
  readonly location?: string;
  readonly dateMs?: number;
  /** The beginning of a page of HTML; absent for any other answer. */
  readonly page?: string;
}

/**
 * What answers `GET /` over plain HTTP in the name of `host`; `undefined` when nothing does before `signal` aborts.
 * `address`: connects there, whatever the name service says.
 */
export function plainAnswer(host: string, { port, lookup }: PlainHttp, signal: AbortSignal, address = bare(host)): Promise<PlainAnswer | undefined> {
  return new Promise((resolve) => {
    const asked = request({ host: address, port, path: "/", method: "GET", agent: false, signal, headers: { host }, ...(lookup === undefined ? {} : { lookup }) }, (response) => {
      const { statusCode: status = 0, headers } = response;
      const dateMs = Date.parse(headers.date ?? "");
      const head = { status, ...(headers.location === undefined ? {} : { location: headers.location }), ...(Number.isNaN(dateMs) ? {} : { dateMs }) };
      let page = "";
      // A page that is cut short is as good as its beginning.
      const end = (): void => {
        resolve(page === "" ? head : { ...head, page });
        asked.destroy();
      };
      if (!/^(?:text\/html|application\/xhtml)/i.test(headers["content-type"] ?? "")) return end();
      response.setEncoding("latin1");
      response.on("data", (part: string) => {
        page += part;
        if (page.length >= PAGE_BYTES_MAX) end();
      });
      for (const over of ["end", "close", "error"]) response.on(over, end);
    });
    // Whatever failed: nothing answers plain HTTP, which says nothing.
    asked.on("error", () => resolve(undefined));
    asked.on("close", () => resolve(undefined));
    asked.end();
  });
}

/** Host of the page that asks for a sign-in in the place of `host`; `undefined`: `answer` may well be the server's own. */
export async function signInHost(host: string, answer: PlainAnswer, http: PlainHttp, signal: AbortSignal): Promise<string | undefined> {
  const { status, location, page = "" } = answer;
  if (status >= 300 && status < 400) return elsewhere(location, host);
  const named = pageHost(page, host);
  // RFC 6585: only a network answers this.
  if (status === 511) return named ?? "a page of the network (HTTP 511)";
  if (status !== 200 || page === "") return undefined;
  // WISPr, which phones' and laptops' sign-in programs read.
  const wispr = /<WISPAccessGatewayParam/i.test(page) ? (urlHost(/<LoginURL>\s{0,20}(?:<!\[CDATA\[)?([^<\]\s]+)/i.exec(page)?.[1]) ?? named ?? "a page of the network") : undefined;
  if (wispr !== undefined) return wispr;
  // A page that leads on to another site may be the server's own, with one sign-in for a company's sites.
  return (await answersForAll(host, http, signal)) ? (named ?? "a page of the network") : undefined;
}

/**
 * Whether the network answers in the place of all: a name that does not exist leads to the address of `host`, or an address
 * that does not exist answers with a page.
 */
async function answersForAll(host: string, http: PlainHttp, signal: AbortSignal): Promise<boolean> {
  const { nowhere = `${NOWHERE}${randomInt(1, 255)}` } = http;
  const [real, made] = await Promise.all([addressesOf(bare(host), http.lookup, signal), addressesOf(`${randomBytes(10).toString("hex")}.${NO_NAMES_IN}`, http.lookup, signal)]);
  if (made.some((address) => real.includes(address))) return true;
  // A proxy that all connections pass through says that it cannot reach it, with a status of its own.
  const answer = await plainAnswer(nowhere, http, signal, nowhere);
  return answer !== undefined && ((answer.status === 200 && answer.page !== undefined) || answer.status === 511 || elsewhere(answer.location, nowhere) !== undefined);
}

function addressesOf(name: string, lookup: LookupFunction = systemLookup, signal: AbortSignal): Promise<readonly string[]> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve([]);
    signal.addEventListener("abort", () => resolve([]), { once: true });
    lookup(name, { all: true }, (error, found) => resolve(error !== null || typeof found === "string" ? [] : found.map(({ address }) => address)));
  });
}

/** Host of the page's form, or of the page to which it leads on. */
function pageHost(page: string, host: string): string | undefined {
  const form = /<form\b[^>]{0,1000}?\saction\s{0,20}=\s{0,20}["']?([^"'\s>]+)/i.exec(page)?.[1];
  return elsewhere(refreshOf(page), host) ?? elsewhere(form, host);
}

/** Address of `<meta http-equiv="refresh" content="0; url=…">`. */
function refreshOf(page: string): string | undefined {
  const meta = (page.match(/<meta\b[^>]{0,1000}>/gi) ?? []).find((tag) => /http-equiv\s*=\s*["']?refresh/i.test(tag));
  return /url\s*=\s*["']?([^"'\s>]+)/i.exec(meta ?? "")?.[1];
}

/** Host of an address on another site than `host`. */
function elsewhere(address: string | undefined, host: string): string | undefined {
  const url = address === undefined ? null : URL.parse(address.replaceAll("&amp;", "&"), `http://${host}/`);
  return url === null || url.hostname === "" || sameSite(url.hostname, host) ? undefined : url.host;
}

function urlHost(address: string | undefined): string | undefined {
  return (address === undefined ? null : URL.parse(address))?.host;
}

/** The same host, or one under the other's name: `example.com` and `www.example.com`. */
function sameSite(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`) || (!isAddress(a) && !isAddress(b) && lastTwo(a) === lastTwo(b));
}

function lastTwo(host: string): string {
  return host.split(".").slice(-2).join(".");
}

/** Whether the host of a URL is an IP address. */
export function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.startsWith("[");
}

/** The host of a URL without the brackets of an IPv6 address. */
export function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}
