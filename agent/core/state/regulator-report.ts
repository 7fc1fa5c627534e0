import type { ReportedDocument } from "../../protocol/reported.ts";
import type { Decision } from "./decision.ts";
import type { Reporter } from "./reporter.ts";

export interface RegulatorReportDeps {
  /** The keys that several regulators compete for. */
  readonly keys: readonly string[];
  readonly decide: (key: string) => Decision;
  readonly reporter: Reporter;
}

const WHY_MAX = 300;

/** Reports `regulators`: for each key that several compete for, what is wanted, who decided, and why. Equal reports are not sent again. */
export class RegulatorReport {
  readonly #deps: RegulatorReportDeps;

  constructor(deps: RegulatorReportDeps) {
    this.#deps = deps;
  }

  update(): void {
    const { keys, decide, reporter } = this.#deps;
    const decided: NonNullable<ReportedDocument["regulators"]> = {};
    for (const key of keys) {
      const { wanted, by, rule, why, untilMs } = decide(key);
      if (by === "nobody") continue;
      const value = wanted?.kind === "value" && key !== "content" ? { wanted: wanted.value } : {};
      decided[key] = { ...value, by, why: why.slice(0, WHY_MAX), ...(rule !== undefined && { rule }), ...(untilMs !== undefined && { untilMs }) };
    }
    reporter.set("regulators", decided);
  }
}
