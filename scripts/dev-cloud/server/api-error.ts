import type { Issue } from "../../tool-result.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** Ends a request with a status and an error body. For errors of the caller; any other error becomes a 500. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly issue: Issue;
  readonly headers: Readonly<Record<string, string>>;
  readonly beside: Readonly<Record<string, Json>>;

  constructor(
    status: number,
    issue: Issue,
    extra: { readonly headers?: Readonly<Record<string, string>>; readonly beside?: Readonly<Record<string, Json>> } = {},
  ) {
    super(issue.message);
    this.status = status;
    this.issue = issue;
    this.headers = extra.headers ?? {};
    this.beside = extra.beside ?? {};
  }
}

/** HTTP status by error code; 400 for all others. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ["device.unknown", 404],
  ["command.unknown-id", 404],
  ["upload.unknown", 404],
  ["pairing.unknown-code", 404],
  ["pairing.expired", 410],
  ["pairing.rate-limited", 429],
  ["device.unclaimed", 409],
  ["device.claimed", 409],
  ["device.offline", 409],
  ["device.online", 409],
  ["device.owned-elsewhere", 409],
  ["command.final", 409],
  ["command.not-final", 409],
  ["command.exists", 409],
  ["command.not-possible", 409],
  ["command.too-many", 429],
  ["desired.version-conflict", 409],
  ["misbehave.nothing-to-replay", 409],
  ["simulated.unavailable", 501],
]);

export function apiError(issue: Issue, extra?: ConstructorParameters<typeof ApiError>[2]): ApiError {
  return new ApiError(STATUSES.get(issue.code) ?? 400, issue, extra);
}
