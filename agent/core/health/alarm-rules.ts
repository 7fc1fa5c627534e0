import type { Code } from "../../../platform/ports/codes.ts";

/** When an alarm is reported. Conditions without a rule are reported at once. */
export interface AlarmRule {
  /** Time a condition must last before it is reported. */
  readonly visibleAfterMs?: number;
  /** Held back while one of these, its possible causes, is on: one fault should raise one alarm. */
  readonly dependsOn?: readonly Code[];
}

/** Rules by code; a code that ends in `.*` is a prefix. */
export type AlarmRules = { readonly [C in Code]?: AlarmRule };

/** The default rules. The screen watch delays the screen's alarms itself. */
export const ALARM_RULES: AlarmRules = {
  // A missing player raises `screen.unknown`, which names it. This alarm is for hours in which the screen is expected dark.
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
