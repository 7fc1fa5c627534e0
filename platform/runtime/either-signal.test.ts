import { expect, test } from "vitest";
import { eitherSignal } from "./either-signal.ts";

test.each(["first", "second"])("the %s signal aborts it with its own reason, and the other changes nothing afterwards", (which) => {
  const first = new AbortController();
  const second = new AbortController();
  const either = eitherSignal(first.signal, second.signal);
  expect(either.aborted).toBe(false);
  const [one, other] = which === "first" ? [first, second] : [second, first];
  one.abort("why");
  other.abort("late");
  expect([either.aborted, either.reason]).toEqual([true, "why"]);
});

test("a signal that was aborted before aborts it", () => {
  expect(eitherSignal(new AbortController().signal, AbortSignal.abort("early")).reason).toBe("early");
});
