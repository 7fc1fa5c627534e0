import type { Json } from "./json.ts";

/** Iterative: hostile input must not be able to overflow the stack of the check itself. */
export function isDeeperThan(root: Json, levelsMax: number): boolean {
  let level: Json[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levelsMax) return true;
    const next: Json[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      for (const child of Array.isArray(value) ? (value as Json[]) : Object.values(value)) {
        if (typeof child === "object" && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}
