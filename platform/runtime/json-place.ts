/** A place in a text as an editor counts it: from 1, in characters. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** By its name in an object, its index in a list. */
type Key = string | number;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

export function placeAt(text: string, offset: number): TextPlace {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}

/**
 * Where the entry at `path` is in a JSON text: the name of a member, or the value in a list. Where there is no such entry, the place
 * of the deepest one on the way to it. Of a name that occurs twice, the last counts, as for `JSON.parse`.
 */
export function placeInJson(text: string, path: readonly Key[]): TextPlace {
  let deepest = 0;
  let at = text.search(/\S/);
  for (const entry of entriesOf(text)) {
    if (entry.path.length < deepest || entry.path.length > path.length || !entry.path.every((key, index) => key === path[index])) continue;
    deepest = entry.path.length;
    ({ at } = entry);
  }
  return placeAt(text, Math.max(at, 0));
}

function* entriesOf(text: string): Generator<{ readonly path: readonly Key[]; readonly at: number }> {
  const path: Key[] = [];
  const isList: boolean[] = [];
  let isName = false;
  for (const { 0: token, index: at } of text.matchAll(TOKEN)) {
    const inList = isList.at(-1) === true;
    if (token === "}" || token === "]") {
      path.pop();
      isList.pop();
      isName = false;
    } else if (token === ",") {
      if (inList) path.push(Number(path.pop()) + 1);
      isName = !inList;
    } else if (token === ":") isName = false;
    else {
      if (isName) path.splice(-1, 1, JSON.parse(token) as string);
      if (isName || inList) yield { path: [...path], at };
      if (token === "{" || token === "[") {
        isList.push(token === "[");
        path.push(token === "[" ? 0 : "");
        isName = token === "{";
      }
    }
  }
}
