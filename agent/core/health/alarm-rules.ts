import type { Code } from "../../../platform/ports/codes.ts";

/** How an alarm is told. Conditions without a rule are told at once and depend on nothing. */
export interface AlarmRule {
  /** Time a condition must last before it is reported. */
  readonly visibleAfterMs?: number;
  /** Not told while one of these is on: they are its cause, and two alarms for one fault are one too many. */
  readonly dependsOn?: readonly Code[];
}

/** Rules by code. */
export type AlarmRules = { readonly [C in Code]?: AlarmRule };

/**
 * Rules by code; a code that ends in `.*` is for all that begin so. Time-to-visible of the screen's own alarms is the
 * screen watch's business.
 */
export const ALARM_RULES: AlarmRules = {
  // A missing player makes the screen unknown, and that alarm names it; this one is for the night, when nobody minds the screen.
  "player.absent": { visibleAfterMs: 20_000, dependsOn: ["screen.unknown"] },
  "disk.low": { visibleAfterMs: 60_000, dependsOn: ["disk.full"] },
  "disk.full": { visibleAfterMs: 10_000 },
  "temperature.high": { visibleAfterMs: 30_000, dependsOn: ["temperature.critical"] },
  "clock.unset": { visibleAfterMs: 300_000 },
  "log.not-written": { visibleAfterMs: 10_000, dependsOn: ["disk.full"] },
  "log.not-set-aside": { visibleAfterMs: 10_000 },
  "player.log-not-written": { visibleAfterMs: 10_000, dependsOn: ["disk.full"] },
  "outbox.degraded": { dependsOn: ["disk.full"] },
  "unit.broken.*": { visibleAfterMs: 5_000 },
};

export function alarmRule(code: Code, rules: AlarmRules = ALARM_RULES): AlarmRule {
  if (Object.prototype.hasOwnProperty.call(rules, code)) return rules[code] ?? {};
  for (const [pattern, rule = {}] of Object.entries(rules)) {
    if (pattern.endsWith(".*") && code.startsWith(pattern.slice(0, -1))) return rule;
  }
  return {};
}
