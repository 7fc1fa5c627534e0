/** One import of a module by its name. */
export interface ImportFound {
  readonly specifier: string;
  /** `type`: erased before running. `dynamic`: `import("…")`. */
  readonly kind: "static" | "type" | "dynamic";
  readonly line: number;
}

/** A comment or a string. */
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/**
 * The imports of a module. Comments are blanked first, so that an example in one is not taken for an
 * import; the patterns then need the keyword at the beginning of a statement. A computed `import(x)`
 * is reported with the specifier `?`, because no check can follow it.
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
    // `import("x").Y` in a type position counts as dynamic as well: where it matters both are refused.
    add(match.index, match[1] ?? "?", "dynamic");
  }
  return found.sort((a, b) => a.at - b.at).map(({ specifier, kind, line }) => ({ specifier, kind, line }));
}

/** Replaces comments by spaces, and leaves strings and the positions of everything else as they are. */
export function blankComments(text: string): string {
  return text.replace(TOKEN, (found) => (found.startsWith("/") ? blank(found) : found));
}

/** The same for comments and strings; what a template literal computes is code and stays. */
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
