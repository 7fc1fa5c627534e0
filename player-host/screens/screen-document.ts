import { createHash } from "node:crypto";
import { escapeHtml } from "../../platform/runtime/escape-html.ts";
import { qrSvg } from "./qr-svg.ts";
import type { ScreenContent } from "./screen-model.ts";
import { SCREEN_STYLE } from "./screen-style.ts";
import { wifiQrText } from "./wifi-qr.ts";

export interface ScreenPage {
  readonly html: string;
  /** Its Content-Security-Policy: no scripts and no external resources; only this style sheet, by its hash. */
  readonly csp: string;
}

const STYLE_HASH = createHash("sha256").update(SCREEN_STYLE).digest("base64");
const CSP = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** One of our own pages as a complete document. No scripts: movement is CSS, and every change is a new document. */
export function screenDocument(screen: ScreenContent): ScreenPage {
  if (screen.kind === "blank") return page("blank", "Blank", "#000", "");
  const { tone, body } = BODIES[screen.kind](screen as never);
  return page(tone, screen.kind, "", `<div class="sky"></div><main>${body}</main>`);
}

function page(tone: string, title: string, background: string, body: string): ScreenPage {
  // Blank is black and nothing else: what is not wanted on the screen must not glow on it.
  const style = background === "" ? `<style>${SCREEN_STYLE}</style>` : "";
  const colours = background === "" ? "" : ` bgcolor="${background}"`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="dark"><title>${escapeHtml(title)}</title>${style}</head><body class="${tone}"${colours}>${body}</body></html>`;
  return { html, csp: CSP };
}

type Of<K extends ScreenContent["kind"]> = Extract<ScreenContent, { kind: K }>;

interface Body {
  /** Class of the body, which sets its colours. */
  readonly tone: "" | "warn" | "bad";
  readonly body: string;
}

const BODIES = {
  pairing: ({ code, claimUrl, deviceId, status, setup }: Of<"pairing">): Body => {
    if (setup !== undefined) return { tone: "", body: setupBody(setup, deviceId, status) };
    const qr = claimUrl === undefined ? undefined : qrSvg(claimUrl);
    const shown = code === undefined ? "" : `<div class="code${code.length > 8 ? " long" : ""}">${escapeHtml(code)}</div>`;
    const title = code === undefined ? "This screen is getting ready" : "Add this screen to your account";
    const how = qr === undefined ? "Enter this code where you manage your screens." : "Scan the code, or enter it where you manage your screens.";
    const text = `<div class="eyebrow"><span class="dot"></span>Pairing</div><h1>${title}</h1>${shown}${code === undefined ? "" : `<p>${how}</p>`}
<div class="status"><span class="pulse">●</span><span>${escapeHtml(status)}</span></div><div class="meta">${escapeHtml(deviceId)}</div>`;
    const side = qr === undefined ? (code === undefined ? WAVES : "") : `<div class="card">${qr}</div>`;
    return { tone: "", body: `<div class="text">${text}</div>${side}` };
  },
  offline: ({ message }: Of<"offline">): Body => ({
    tone: "warn",
    body: `<div class="text"><div class="eyebrow"><span class="dot"></span>Waiting for the connection</div><h1>The picture comes back by itself</h1><p>${escapeHtml(message)}</p></div>${WAVES}`,
  }),
  fault: ({ code, message }: Of<"fault">): Body => ({
    tone: "bad",
    body: `<div class="text"><div class="eyebrow"><span class="dot"></span>Needs a technician</div><h1>This screen cannot show its content</h1><p>${escapeHtml(message)}</p><div class="status"><span class="meta">${escapeHtml(code)}</span></div></div>${GEAR}`,
  }),
};

/** The QR code brings the phone into the set-up network; most phones then open the portal by themselves. */
function setupBody({ ssid, password, url }: NonNullable<Of<"pairing">["setup"]>, deviceId: string, status: string): string {
  const qr = qrSvg(wifiQrText(ssid, password));
  const text = `<div class="eyebrow"><span class="dot"></span>Set-up</div><h1>Connect this screen to a network</h1>
<p>${qr === undefined ? "Join this Wi-Fi network with a phone" : "Scan the code with a phone's camera, or join this Wi-Fi network"}. Then choose the screen's network on the page that opens, or at ${escapeHtml(url)}. A network cable works too.</p>
<dl class="keys"><dt>Network</dt><dd>${escapeHtml(ssid)}</dd><dt>Password</dt><dd>${escapeHtml(password)}</dd></dl>
<div class="status"><span class="pulse">●</span><span>${escapeHtml(status)}</span></div><div class="meta">${escapeHtml(deviceId)}</div>`;
  return `<div class="text">${text}</div>${qr === undefined ? WAVES : `<div class="card">${qr}</div>`}`;
}

const WAVES = `<svg class="glyph" viewBox="0 0 100 100" fill="none" stroke="currentColor" stroke-width="7" stroke-linecap="round" aria-hidden="true"><path class="wave" d="M36 62a20 20 0 0 1 28 0"/><path class="wave" d="M23 48a39 39 0 0 1 54 0"/><path class="wave" d="M10 34a58 58 0 0 1 80 0"/><circle cx="50" cy="78" r="5" fill="currentColor" stroke="none"/></svg>`;
const GEAR = `<svg class="glyph" viewBox="0 0 100 100" fill="none" stroke="currentColor" stroke-width="6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M50 12 92 84H8Z"/><path class="pulse" d="M50 40v20"/><circle class="pulse" cx="50" cy="71" r="3.6" fill="currentColor" stroke="none"/></svg>`;
