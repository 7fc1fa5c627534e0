import { capsHold } from "./caps-hold.ts";
import { connectsBounded } from "./connects-bounded.ts";
import { darkIsLeftAlone } from "./dark-is-left-alone.ts";
import { desiredConverges } from "./desired-converges.ts";
import { drained } from "./drained.ts";
import { hostIsAwaited } from "./host-is-awaited.ts";
import type { Invariant } from "./invariant.ts";
import { lampsFollowRules } from "./lamps-follow-rules.ts";
import { neverStranded } from "./never-stranded.ts";
import { nothingLost } from "./nothing-lost.ts";
import { numbersNeverReused } from "./numbers-never-reused.ts";
import { oneEffect } from "./one-effect.ts";
import { oneOutcome } from "./one-outcome.ts";
import { outcomesAreTrue } from "./outcomes-are-true.ts";
import { rebootsHelp } from "./reboots-help.ts";
import { reconnects } from "./reconnects.ts";
import { handsAreKept, powerIsCalm } from "./regulators.ts";
import { reportedIsTrue } from "./reported-is-true.ts";
import { noPictureIsLost, onlyGoodIsConfirmed, releasesStayWhole, trialsEnd, updatesAreTrue } from "./updates.ts";
import { storedOnce } from "./stored-once.ts";
import { timersBounded } from "./timers-bounded.ts";

/** Every invariant, in an order in which later ones depend on earlier ones. */
export const INVARIANTS: readonly Invariant[] = [
  numbersNeverReused, storedOnce, oneEffect, outcomesAreTrue, hostIsAwaited, darkIsLeftAlone, capsHold, timersBounded, connectsBounded, neverStranded,
  onlyGoodIsConfirmed, noPictureIsLost, releasesStayWhole, updatesAreTrue, trialsEnd,
  handsAreKept, powerIsCalm, lampsFollowRules, rebootsHelp,
  reconnects, desiredConverges, drained, oneOutcome, reportedIsTrue, nothingLost,
];
