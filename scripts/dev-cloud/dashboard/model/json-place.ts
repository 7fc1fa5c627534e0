/** Line (from 1) of the deepest key of a dotted path found in a formatted document; `undefined` when none is found. */
export function lineOfPath(text: string, path: string): number | undefined {
  const lines = text.split("\n");
  let from = 0;
  let found: number | undefined;
  for (const key of path.split(".")) {
    if (/^\d+$/.test(key)) continue;
    const at = lines.findIndex((line, index) => index >= from && line.includes(`${JSON.stringify(key)}:`));
    if (at < 0) break;
    found = at + 1;
    from = at;
  }
  return found;
}

/** Extracts the path from an error message of the cloud: `desired document, at display.brightness: …`. */
export function pathInMessage(message: string): string | undefined {
  return /, at ([^:\s]+):/.exec(message)?.[1];
}

/** Dotted paths whose values differ between two documents. */
export function changedKeys(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const found: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [left, right] = [before[key], after[key]];
    if (JSON.stringify(left) === JSON.stringify(right)) continue;
    if (isPlain(left) && isPlain(right)) found.push(...changedKeys(left, right).map((inner) => `${key}.${inner}`));
    else found.push(key);
  }
  return found;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
