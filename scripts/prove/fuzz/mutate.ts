import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { parseJson, type Json } from "../../../platform/runtime/json.ts";

/** Values that have broken parsers before. As JSON text, because some have no JavaScript value. */
const EDGES: readonly string[] = [
  "null", "true", "-0", "0", "1e999", "-1e999", "9007199254740993", "1.5", "-1", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"__proto__\"", "\"constructor\"", "[]", "{}",
  "{\"__proto__\":{\"polluted\":1}}", "{\"constructor\":{\"prototype\":{\"polluted\":1}}}", "[[[[[[[[[[]]]]]]]]]]", "{\"toString\":1}", "{\"length\":-1}", "\"9007199254740992\"",
];
const LONG = 4_000;

/** A mutation of a text of the corpus: by bytes, by JSON structure, or spliced from two. Deterministic by `random`. */
export function mutate(random: SeededRandom, corpus: readonly string[]): string {
  const text = corpus[random.integer(0, corpus.length - 1)] ?? "";
  const kind = random.integer(0, 9);
  if (kind <= 3) return byStructure(random, text, random.integer(1, 3));
  if (kind <= 6) return byText(random, text, random.integer(1, 4));
  if (kind === 7) return splice(random, text, corpus[random.integer(0, corpus.length - 1)] ?? "");
  if (kind === 8) return nested(random, text);
  return random.chance(0.3) ? garbage(random) : text;
}

function byStructure(random: SeededRandom, text: string, times: number): string {
  const json = parseJson(text);
  if (json === undefined || typeof json !== "object" || json === null) return byText(random, text, times);
  // Marks are replaced in the text, because some edges have no JavaScript value.
  const marks: string[] = [];
  let changed: Json = json;
  for (let n = 0; n < times; n += 1) {
    const mark = `\u{1F3AF}${n}`;
    marks.push(edge(random, text));
    changed = replaced(changed, random, mark);
  }
  return marks.reduce((done, value, n) => done.replace(`"\u{1F3AF}${n}"`, () => value), JSON.stringify(changed));
}

/** A copy in which one random place is replaced, removed, doubled or extended. */
function replaced(value: Json, random: SeededRandom, mark: string): Json {
  if (typeof value !== "object" || value === null || random.chance(0.15)) return mark;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const at = random.integer(0, Math.max(0, items.length - 1));
    if (items.length === 0 || random.chance(0.1)) return [...items, mark];
    if (random.chance(0.1)) return items.filter((_, index) => index !== at);
    if (random.chance(0.05)) return Array.from({ length: 700 }, () => items[at] ?? null);
    return items.map((item, index) => (index === at ? replaced(item, random, mark) : item));
  }
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  const at = random.integer(0, Math.max(0, entries.length - 1));
  if (entries.length === 0 || random.chance(0.1)) return Object.fromEntries([...entries, [random.chance(0.5) ? "extra" : "t", mark]]);
  if (random.chance(0.1)) return Object.fromEntries(entries.filter((_, index) => index !== at));
  return Object.fromEntries(entries.map(([key, item], index) => [key, index === at ? replaced(item, random, mark) : item]));
}

function edge(random: SeededRandom, text: string): string {
  if (random.chance(0.1)) return JSON.stringify("x".repeat(random.integer(1, LONG)));
  if (random.chance(0.1)) return String(random.integer(-1_000, 1_000));
  if (random.chance(0.05)) return text;
  return EDGES[random.integer(0, EDGES.length - 1)] ?? "null";
}

function byText(random: SeededRandom, text: string, times: number): string {
  let changed = text;
  for (let n = 0; n < times; n += 1) {
    const at = random.integer(0, changed.length);
    const length = random.integer(1, 8);
    const kind = random.integer(0, 4);
    if (kind === 0) changed = changed.slice(0, at);
    else if (kind === 1) changed = changed.slice(0, at) + changed.slice(at + length);
    else if (kind === 2) changed = changed.slice(0, at) + changed.slice(Math.max(0, at - length)) ;
    else if (kind === 3) changed = changed.slice(0, at) + String.fromCharCode(random.integer(0, 0xffff)) + changed.slice(at + 1);
    else changed = changed.slice(0, at) + '{}[]",:\\0-e.'.charAt(random.integer(0, 11)) + changed.slice(at + 1);
  }
  return changed;
}

function splice(random: SeededRandom, a: string, b: string): string {
  return a.slice(0, random.integer(0, a.length)) + b.slice(random.integer(0, b.length));
}

function nested(random: SeededRandom, text: string): string {
  const depth = random.integer(2, random.chance(0.02) ? 20_000 : 60);
  return text.replace(/:("[^"]*"|\d+)/, () => `:${"[".repeat(depth)}${"]".repeat(depth)}`);
}

function garbage(random: SeededRandom): string {
  return Array.from({ length: random.integer(0, 60) }, () => String.fromCharCode(random.integer(0, 0xffff))).join("");
}
