/** One import found in a module. */
export interface ImportFound {
  readonly specifier: string;
  /** `type`: erased before running. `dynamic`: `import("…")`. */
  readonly kind: "static" | "type" | "dynamic";
  readonly line: number;
}

/** A comment or a string. */
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/**
 * Returns the imports of a module. Ignores comments, and `import` or `export` inside a statement. A computed
 * `import(x)` is reported with the specifier `?`.
 */
export function parseImports(text: string): ImportFound[] {
  const code = blankComments(text);
  const found: (ImportFound & { readonly at: number })[] = [];
  const add = (at: number, specifier: string, kind: ImportFound["kind"]): void => {
    found.push({ at, specifier, kind, line: code.slice(0, at).split("\n").length });
  };
  const statements = /^[ \t]*(?:import|export)\b(?!\s*\()(\s+type\b(?!\s+from\b|\s*,))?(?:[\w\s{},*$]+?\bfrom\b)?\s*["']([^"'\n]+)["']/gm;
  for (const match of code.matchAll(statements)) {
    add(match.index + match[0].search(/\S/), match[2] ?? "", match[1] === undefined ? "static" : "type");
  }
  for (const match of code.matchAll(/(?<![\w.$])(?:import|require)\s*\(\s*(?:["'`]([^"'`\n$]+)["'`]\s*[,)])?/g)) {
    // `import("x").Y` in a type position also counts as dynamic; where the difference matters, both are forbidden.
    add(match.index, match[1] ?? "?", "dynamic");
  }
  return found.sort((a, b) => a.at - b.at).map(({ specifier, kind, line }) => ({ specifier, kind, line }));
}

/** Replaces comments with spaces; all other text keeps its position. */
export function blankComments(text: string): string {
  return text.replace(TOKEN, (found) => (found.startsWith("/") ? blank(found) : found));
}

/** Replaces comments and strings with spaces, but keeps `${…}` in template literals, which is code. */
export function blankCommentsAndStrings(text: string): string {
  return text.replace(TOKEN, (found) => {
    if (!found.startsWith("`")) return blank(found);
    let depth = 0;
    return found.replace(/\$\{|[{}]|[^\n]/g, (part) => {
      if (part === "${" || (part === "{" && depth > 0)) depth += 1;
      else if (part === "}" && depth > 0) depth -= 1;
      return depth > 0 ? part : blank(part);
    });
  });
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
