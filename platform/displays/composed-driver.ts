import type { DisplayDriver, Orders, Question } from "../ports/display-driver.ts";
import type { DisplayProperty, DisplayStatus } from "../ports/display-properties.ts";

/**
 * Combines several drivers for one display, such as HDMI-CEC for power and the panel's own interface for the picture. Each
 * property is read and set through the first driver that supports it.
 */
export function composedDriver(first: DisplayDriver, ...others: readonly DisplayDriver[]): DisplayDriver {
  const answered = new Set<DisplayProperty>();
  const questions = [first, ...others].flatMap((driver) =>
    driver.questions.flatMap((question): Question[] => {
      const answers = question.answers.filter((name) => !answered.has(name));
      for (const name of answers) answered.add(name);
      if (answers.length === 0) return [];
      return [answers.length === question.answers.length ? question : { ...question, answers, ask: async () => only(answers, await question.ask()) }];
    }),
  );
  const orders = Object.assign({}, ...[first, ...others].reverse().map((driver) => driver.orders)) as Orders;
  return { ...first, questions, orders };
}

function only(names: readonly DisplayProperty[], status: Partial<DisplayStatus>): Partial<DisplayStatus> {
  return Object.fromEntries(Object.entries(status).filter(([name]) => names.includes(name as DisplayProperty)));
}
