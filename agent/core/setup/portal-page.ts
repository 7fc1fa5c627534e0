import { escapeHtml } from "../../../platform/runtime/escape-html.ts";
import type { VisibleNetwork } from "../../../platform/ports/wifi-setup.ts";

/** Pages of the set-up portal: plain HTML for a phone, without scripts. They contain nothing of the device but its short name. */

/** Sent as its own resource, so that the policy needs no exception for inline styles. */
export const PORTAL_STYLE = `
*{box-sizing:border-box}
body{margin:0;font:17px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;background:#f4f6fa;color:#111827}
main{max-width:30rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.2;margin:0 0 .5rem}
fieldset{border:1px solid #9aa5b8;border-radius:.75rem;margin:1rem 0;padding:.5rem 1rem;background:#fff;min-width:0}
legend{font-weight:600;padding:0 .25rem}
.row{display:flex;align-items:center;gap:.75rem;min-height:3rem;border-top:1px solid #e3e8f0}
.row:first-of-type{border-top:0}
.row span{flex:1;overflow-wrap:anywhere}
small{color:#4b5563}
input[type=radio],input[type=checkbox]{width:1.4rem;height:1.4rem;flex:none}
label.text{display:block;margin:.75rem 0}
input[type=text],input[type=password]{display:block;width:100%;font:inherit;padding:.7rem;border:1px solid #6b7280;border-radius:.5rem;background:#fff;color:inherit}
button{width:100%;font:inherit;font-weight:600;padding:.9rem;border:0;border-radius:.75rem;background:#1d4ed8;color:#fff;margin-top:1rem}
summary{padding:.75rem 0;font-weight:600}
:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}
.problem{background:#fee2e2;border-left:.35rem solid #b91c1c;padding:.75rem 1rem;border-radius:.5rem;margin:1rem 0;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#0b1220;color:#e5e7eb}fieldset,input[type=text],input[type=password]{background:#131c2e}.row{border-color:#26324a}small{color:#aab4c5}.problem{background:#451a1a}}
`;

export interface FormPage {
  /** Short name of the device, as it is on its screen. */
  readonly device: string;
  readonly networks: readonly VisibleNetwork[];
  readonly token: string;
  /** One sentence on what failed last, or what is wrong with the form. */
  readonly problem?: string;
  /** What was typed, except the password. */
  readonly typed?: ReadonlyMap<string, string>;
}

export function formPage({ device, networks, token, problem, typed }: FormPage): string {
  const value = (name: string): string => escapeHtml(typed?.get(name) ?? "");
  const more = ["address", "gateway", "dns"].some((name) => value(name) !== "");
  const body = `<h1>Connect this screen</h1><p>Screen <strong>${escapeHtml(device)}</strong> has no network yet. Choose the Wi-Fi network that it should use.</p>
${problem === undefined ? "" : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`}
<form method="post" action="/join" autocomplete="off"><input type="hidden" name="token" value="${escapeHtml(token)}">
<fieldset><legend>Network</legend>${networks.map((network, at) => row(network, at, typed?.get("ssid"))).join("")}
<label class="text" for="other">${networks.length === 0 ? "Name of the network" : "Another network: its name"}</label>
<input type="text" id="other" name="other" maxlength="32" autocapitalize="none" autocorrect="off" spellcheck="false" value="${value("other")}">
<label class="row"><input type="checkbox" name="hidden" value="1"${value("hidden") === "" ? "" : " checked"}><span>It is hidden</span></label></fieldset>
<label class="text" for="password">Password <small>(empty for an open network)</small></label>
<input type="password" id="password" name="password" maxlength="63" autocomplete="off" autocapitalize="none" spellcheck="false">
<details${more ? " open" : ""}><summary>More: a fixed address</summary>
<p><small>Leave this empty unless the network's operator gave you an address.</small></p>
${text("address", "Address with prefix length, such as 192.0.2.4/24", value("address"))}${text("gateway", "Gateway", value("gateway"))}${text("dns", "DNS servers, separated by spaces", value("dns"))}</details>
<button type="submit">Connect</button></form>`;
  return page("Connect this screen", body);
}

/** Shown once, before the set-up network goes down. */
export function joiningPage(device: string, ssid: string): string {
  return page(
    "Connecting",
    `<h1>Connecting to ${escapeHtml(ssid)}</h1><p>Screen <strong>${escapeHtml(device)}</strong> now closes this set-up network and joins <strong>${escapeHtml(ssid)}</strong>. Your phone goes back to its own network. <strong>Watch the screen:</strong></p>
<ul><li>If it works, the screen goes on to a pairing code or to its content.</li><li>If not, the screen says what failed within four minutes, and its set-up network comes back. Join it again, and open this page again.</li></ul>`,
  );
}

/** While another choice is being tried, or after set-up ended. */
export function closedPage(): string {
  return page("Set-up is closed", "<h1>Set-up is closed</h1><p>This screen takes no settings now. Look at the screen for what to do.</p>");
}

export function refusedPage(why: string): string {
  return page("Not accepted", `<h1>Not accepted</h1><p>${escapeHtml(why)}</p><p><a href="/">Back to the form</a></p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><link rel="stylesheet" href="/style.css"></head><body><main>${body}</main></body></html>`;
}

function row({ ssid, signalPercent, security }: VisibleNetwork, at: number, chosen: string | undefined): string {
  const cannot = security === "enterprise" || security === "other" || ssid === undefined;
  const name = ssid ?? "A network whose name is not text";
  const what = cannot ? "cannot be joined from here" : security === "open" ? "open" : "password";
  return `<label class="row" for="n${at}"><input type="radio" id="n${at}" name="ssid" value="${escapeHtml(ssid ?? "")}"${cannot ? " disabled" : ""}${ssid !== undefined && ssid === chosen ? " checked" : ""}><span>${escapeHtml(name)}<br><small>${what}, signal ${Math.round(signalPercent)} %</small></span></label>`;
}

function text(name: string, label: string, value: string): string {
  return `<label class="text" for="${name}">${label}</label><input type="text" id="${name}" name="${name}" maxlength="100" autocapitalize="none" value="${value}">`;
}
