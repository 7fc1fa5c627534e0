import type { LinkIssue, LinkStatus, RefusalReason } from "../cloud/cloud-port.ts";

/** The state of the cloud connection in a sentence or two, for a person in front of the screen. */
export function connectionSentence(status: LinkStatus, hasCode: boolean): string {
  switch (status.kind) {
    case "online":
      return hasCode ? "Connected. Enter the code, or scan it, to add this screen." : "Connected. Waiting for a pairing code.";
    case "connecting":
      return status.lastError === undefined ? `Connecting to ${hostOf(status.endpoint)} …` : `Trying again. ${failedStep(status.lastError)}`;
    case "offline":
      return status.lastError === undefined ? "Not connected yet." : failedStep(status.lastError);
  }
}

/** Which step of connecting failed, and why. */
export function failedStep({ code, message, refusal }: LinkIssue): string {
  const known = STEPS.get(code);
  if (known !== undefined) return known;
  if (code === "link.portal") return `This network wants a sign-in before it lets this screen through: ${message} (link.portal).`;
  if (refusal !== undefined) return `${REFUSALS[refusal]}: ${message} (${code}).`;
  if (code.startsWith("refused.")) return `The cloud refused this screen: ${message} (${code}).`;
  if (code.startsWith("owner.")) return `This screen does not accept the cloud it reached: ${message} (${code}).`;
  return `The connection failed: ${message} (${code}).`;
}

// A map, because servers choose some codes, and an object inherits names such as `constructor`.
const STEPS: ReadonlyMap<string, string> = new Map([
  ["link.not-configured", "No cloud is configured for this screen. Its address goes into config.json or into a provisioning file on its card. (link.not-configured)"],
  ["link.no-network", "No network is connected. Plug in the cable, or set up Wi-Fi. (link.no-network)"],
  ["link.no-address", "The network is connected, but gives this screen no address. (link.no-address)"],
  ["link.no-gateway", "This screen has an address, but there is no way out of the site's network. Check the router. (link.no-gateway)"],
  ["link.dns", "The network works, but the cloud's name cannot be looked up. Check its DNS server. (link.dns)"],
  ["link.refused", "The network works, but nothing answers at the cloud's address. (link.refused)"],
  ["link.timeout", "The cloud's address does not answer. A firewall may be in the way. (link.timeout)"],
  ["link.network", "There is no network, or the connection broke off. (link.network)"],
  ["link.tls", "The server's certificate is not accepted. Something on this network may be intercepting the connection. (link.tls)"],
  ["link.clock", "This screen's clock is wrong, so no certificate can be checked. It waits for the time from the network. (link.clock)"],
  ["link.proxy", "The proxy does not let this screen through. Check its address and password. (link.proxy)"],
  ["link.handshake-timeout", "The server was reached but did not complete the handshake. (link.handshake-timeout)"],
  ["link.version", "The cloud and this screen speak different versions of the protocol. (link.version)"],
  ["link.silent", "The connection went silent and is being re-established. (link.silent)"],
  ["link.goaway", "The cloud asked this screen to come back later. (link.goaway)"],
]);

const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  "not-authorised": "The server was reached but does not let this screen in",
  unknown: "The server was reached but does not know this screen or this address",
  "too-busy": "The server was reached but is too busy",
  moved: "The server was reached and has moved",
  version: "The server was reached but does not speak this screen's version",
  other: "The server was reached but refused the connection",
};

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).host;
  } catch {
    // An invalid address is shown as written, so that it can be corrected.
    return endpoint;
  }
}
