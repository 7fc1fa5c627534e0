/**
 * The features of a capabilities text, each with the values that it lists:
 * `(prot(monitor)type(LCD)cmds(01 02 03)vcp(02 10 12 60(11 12 0F) D6(01 04 05))mccs_ver(2.1))`. `undefined` if there is no such list.
 * Displays write it by hand: closing brackets may be missing, and what is not made of two hexadecimal digits is passed over. A feature
 * that is missing here may exist, and one that is listed may not.
 */
export function parseCapabilities(text: string): ReadonlyMap<number, readonly number[]> | undefined {
  const start = /\bvcp\s*\(/i.exec(text);
  if (start === null) return undefined;
  const features = new Map<number, number[]>();
  let values: number[] | undefined;
  let depth = 1;
  for (const [token] of text.slice(start.index + start[0].length).matchAll(/[()]|[^\s()]+/g)) {
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    // Some displays leave no space between codes.
    else for (const code of codesIn(token)) {
      if (depth === 1) features.set(code, (values = []));
      else if (depth === 2) values?.push(code);
    }
    if (depth === 0) break;
  }
  return features;
}

function codesIn(word: string): readonly number[] {
  return /^(?:[0-9a-f]{2})+$/i.test(word) ? [...word.matchAll(/../g)].map(([digits]) => Number.parseInt(digits, 16)) : [];
}
