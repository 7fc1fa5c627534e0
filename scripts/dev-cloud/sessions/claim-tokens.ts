import { fail, ok, type Result } from "../../tool-result.ts";
import type { ClaimTokenLimits, CloudContext } from "./context.ts";

export const CLAIM_TOKEN_LIMITS: ClaimTokenLimits = { devices: 1, lifeMs: 24 * 3_600_000 };

type Kept = Pick<CloudContext, "store" | "clock" | "settings">;

/** Usage of one claim token. Leaves out the token itself, which is a secret. */
export interface ClaimTokenStatus {
  readonly devices: number;
  readonly used: number;
  readonly expiresMs: number;
}

/** Stores when each token was first seen, so that a restart does not extend its life. Call inside a transaction. */
export function noteClaimTokens({ store, clock, settings }: Kept): void {
  for (const token of settings.claimTokens) if (store.counter(sinceName(token)) === 0) store.addToCounter(sinceName(token), clock.wallMs());
}

/** In the order in which the tokens were configured. */
export function claimTokenStatuses(kept: Kept): readonly ClaimTokenStatus[] {
  return [...kept.settings.claimTokens].map((token) => statusOf(kept, token));
}

/**
 * Uses the token for one device. Call inside the transaction that claims it. Codes: `claim-token.unknown`, `claim-token.expired`,
 * `claim-token.used-up`.
 */
export function useClaimToken(kept: Kept, token: string): Result<void> {
  if (!kept.settings.claimTokens.has(token)) return fail("claim-token.unknown", "this cloud does not know the claim token");
  noteClaimTokens(kept);
  const { devices, used, expiresMs } = statusOf(kept, token);
  if (kept.clock.wallMs() >= expiresMs) return fail("claim-token.expired", `the claim token expired at ${new Date(expiresMs).toISOString()}`);
  if (used >= devices) return fail("claim-token.used-up", `the claim token is used up (limit: ${devices})`);
  kept.store.addToCounter(usedName(token), 1);
  return ok(undefined);
}

function statusOf({ store, settings, clock }: Kept, token: string): ClaimTokenStatus {
  const { devices, lifeMs } = settings.claimTokenLimits ?? CLAIM_TOKEN_LIMITS;
  const sinceMs = store.counter(sinceName(token));
  return { devices, used: store.counter(usedName(token)), expiresMs: (sinceMs === 0 ? clock.wallMs() : sinceMs) + lifeMs };
}

const sinceName = (token: string): string => `claim-token.since.${token}`;
const usedName = (token: string): string => `claim-token.used.${token}`;
