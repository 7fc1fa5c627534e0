import { parseArgs } from "node:util";
import { CLAIM_TOKEN_LIMITS } from "./sessions/claim-tokens.ts";
import type { ClaimTokenLimits } from "./sessions/context.ts";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

export interface DevCloudOptions {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly devicesDir?: string;
  readonly sample?: string;
  readonly dashboard?: string;
  readonly autoClaim: boolean;
  readonly claimTokens: readonly string[];
  readonly claimTokenLimits?: ClaimTokenLimits;
  readonly ownerKey?: string;
  readonly recordsMax?: number;
  readonly survives: "power-cut" | "process";
  readonly json: boolean;
}

export const USAGE = `The development cloud, for development and tests only.

  --port N            port on loopback (default 4600; 0 picks a free one)
  --data DIR          data folder: store, owner's key, uploads (default .vitrine/cloud)
  --devices-dir DIR   folder of simulated devices, whose hardware the dashboard can control
  --sample DIR        sample content, served on a separate port (default: the built sample player)
  --dashboard DIR     the dashboard's built files
  --auto-claim        claims new devices automatically (default: --no-auto-claim, by the code on their screen)
  --claim-token T     accepts this claim token of a provisioning file; may be repeated
  --claim-token-devices N   devices that one token may claim (default ${CLAIM_TOKEN_LIMITS.devices})
  --claim-token-hours N     how long a token is valid after it was first given (default ${CLAIM_TOKEN_LIMITS.lifeMs / 3_600_000})
  --owner-key FILE    the owner's key file (default: owner-key.json in the data folder)
  --records-max N     records kept per device and stream (default: by stream, see /api/v1/info)
  --survives WHAT     power-cut (default): a stored record is flushed to disk; process: for benchmarks
  --host ADDRESS      listens on an address other than loopback; there is no password, and connections are
                      not encrypted: devices need --cloud-allow-plain
  --json              one JSON line when ready, and JSON logs
`;

const CLAIM_TOKEN_HOURS_MAX = 8_760;

/** Parses the command line. Code: `options.invalid`. */
export function parseOptions(args: readonly string[]): Result<DevCloudOptions> {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        data: { type: "string" },
        "devices-dir": { type: "string" },
        sample: { type: "string" },
        dashboard: { type: "string" },
        "auto-claim": { type: "boolean" },
        "no-auto-claim": { type: "boolean" },
        "claim-token": { type: "string", multiple: true },
        "claim-token-devices": { type: "string" },
        "claim-token-hours": { type: "string" },
        "owner-key": { type: "string" },
        "records-max": { type: "string" },
        survives: { type: "string" },
        host: { type: "string" },
        json: { type: "boolean" },
      },
    }));
  } catch (thrown) {
    // parseArgs throws a TypeError whose message names the offending option.
    return fail("options.invalid", messageOf(thrown), USAGE);
  }
  const port = Number(values.port ?? "4600");
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    return fail("options.invalid", `--port ${values.port ?? ""} is not a port`);
  const host = values.host ?? "127.0.0.1";
  if (host === "" || host === "0.0.0.0" || host === "::") {
    return fail("options.invalid", "--host must be one address or name of this machine, as browsers and devices will use it");
  }
  const tokenDevices = Number(values["claim-token-devices"] ?? CLAIM_TOKEN_LIMITS.devices);
  const tokenHours = Number(values["claim-token-hours"] ?? CLAIM_TOKEN_LIMITS.lifeMs / 3_600_000);
  if (!isCount(tokenDevices)) return fail("options.invalid", "--claim-token-devices must be a whole number above 0");
  if (!isCount(tokenHours) || tokenHours > CLAIM_TOKEN_HOURS_MAX)
    return fail("options.invalid", `--claim-token-hours must be a whole number from 1 to ${CLAIM_TOKEN_HOURS_MAX}`);
  const recordsMax = values["records-max"] === undefined ? undefined : Number(values["records-max"]);
  if (recordsMax !== undefined && !isCount(recordsMax))
    return fail("options.invalid", "--records-max must be a whole number above 0");
  const survives = values.survives ?? "power-cut";
  if (survives !== "power-cut" && survives !== "process") return fail("options.invalid", "--survives must be power-cut or process");
  return ok({
    port,
    host,
    data: values.data ?? ".vitrine/cloud",
    autoClaim: values["auto-claim"] === true && values["no-auto-claim"] !== true,
    claimTokens: values["claim-token"] ?? [],
    claimTokenLimits: { devices: tokenDevices, lifeMs: tokenHours * 3_600_000 },
    survives,
    json: values.json ?? false,
    ...given("devicesDir", values["devices-dir"]),
    ...given("sample", values.sample),
    ...given("dashboard", values.dashboard),
    ...given("ownerKey", values["owner-key"]),
    ...given("recordsMax", recordsMax),
  });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function given<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: T });
}
