import type { DisplayDriver, Orders, Question } from "../ports/display-driver.ts";
import type { DisplayChoices } from "../ports/display.ts";
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
  const drivers = [first, ...others];
  const orders = Object.assign({}, ...[...drivers].reverse().map((driver) => driver.orders)) as Orders;
  // The choices are those of the driver that carries out the order.
  const owned = (driver: DisplayDriver): DisplayChoices =>
    Object.fromEntries(Object.entries(driver.choices?.() ?? {}).filter(([name]) => orders[name as DisplayProperty] === driver.orders[name as DisplayProperty]));
  const choices = (): DisplayChoices => Object.assign({}, ...drivers.map(owned)) as DisplayChoices;
  return { ...first, questions, orders, ...(drivers.some((driver) => driver.choices !== undefined) && { choices }) };
}

function only(names: readonly DisplayProperty[], status: Partial<DisplayStatus>): Partial<DisplayStatus> {
  return Object.fromEntries(Object.entries(status).filter(([name]) => names.includes(name as DisplayProperty)));
}
