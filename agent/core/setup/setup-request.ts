import * as v from "valibot";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { VisibleNetwork } from "../../../platform/ports/wifi-setup.ts";
import { schemaIssueWords } from "../../../platform/runtime/schema-issue.ts";
import { NetworkSchema, type Network } from "../../protocol/network-settings.ts";

/** What a person chose in the portal. */
export interface SetupRequest {
  readonly ssid: string;
  readonly network: Network;
}

/** Where an error belongs in the form. */
const FIELD_WORDS: readonly (readonly [path: string, field: string])[] = [
  ["wifi.ssid", "Name of the network"],
  ["wifi.password", "Password"],
  [".address", "Address"],
  [".gateway", "Gateway"],
  [".dns", "DNS servers"],
];

/**
 * Reads the portal's form. `interfaceName`: the wireless interface, for a static address. Errors are sentences for the person
 * and contain no password: `setup.bad-form`.
 */
export function readSetupForm(form: ReadonlyMap<string, string>, networks: readonly VisibleNetwork[], interfaceName: string): Result<SetupRequest> {
  const field = (name: string): string => form.get(name) ?? "";
  const typed = field("other") !== "";
  const ssid = typed ? field("other") : field("ssid");
  if (ssid === "") return fail("setup.bad-form", "Choose a network, or type its name.");
  // The password is not trimmed: a space may belong to it.
  const password = field("password");
  const seen = networks.find((network) => network.ssid === ssid);
  const security = seen?.security ?? (password === "" ? "open" : "wpa-psk");
  if (security === "enterprise" || security === "other") return fail("setup.bad-form", "This network needs a certificate or a user name. It cannot be joined from this page.");
  if (security !== "open" && password === "") return fail("setup.bad-form", "This network needs a password.");
  const wifi = { ssid, security, ...(security === "open" ? {} : { password }), ...(typed && field("hidden") !== "" ? { hidden: true } : {}) };
  const address = addressOf(field);
  const parsed = v.safeParse(NetworkSchema, { wifi, ...(address === undefined ? {} : { interfaces: { [interfaceName]: address } }) });
  if (parsed.success) return ok({ ssid, network: parsed.output });
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue) ?? "";
  const where = FIELD_WORDS.find(([part]) => path.includes(part))?.[1] ?? "The form";
  return fail("setup.bad-form", `${where}: ${schemaIssueWords(issue).message}.`);
}

function addressOf(field: (name: string) => string): object | undefined {
  const [address, gateway, dns] = [field("address").trim(), field("gateway").trim(), field("dns").trim()];
  if (address === "" && gateway === "" && dns === "") return undefined;
  return { method: "static", address, ...(gateway === "" ? {} : { gateway }), dns: dns.split(/[\s,;]+/).filter((each) => each !== "") };
}
