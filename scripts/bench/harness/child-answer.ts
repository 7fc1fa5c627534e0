import type { JsonObject } from "../../../platform/runtime/json.ts";

/** The list of numbers under `key`. Throws when there is none. */
export function numbersOf(answer: JsonObject, key: string): readonly number[] {
  const value = answer[key];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "number")) throw new Error(`the program did not tell ${key}`);
  return value;
}

export function numberOf(answer: JsonObject, key: string): number {
  const value = answer[key];
  if (typeof value !== "number") throw new Error(`the program did not tell ${key}`);
  return value;
}
