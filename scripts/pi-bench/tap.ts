export interface SuiteResult {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
  /** False if the runner's summary is missing: the machine or the program ended early. */
  readonly complete: boolean;
}

/** Reads what Node's test runner printed as TAP among a machine's other console lines. Groups are counted through their tests. */
export function readTap(console: string): SuiteResult {
  const lines = console.split("\n");
  const failures: { name: string; message: string }[] = [];
  let passed = 0;
  for (const [index, line] of lines.entries()) {
    const [, not, name] = /^\s*(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const details = detailsAfter(lines, index);
    if (details.some((each) => /^\s*type: 'suite'/.test(each))) continue;
    if (not === undefined) passed += 1;
    else failures.push({ name, message: messageIn(details) });
  }
  return { passed, failures, complete: lines.some((line) => /^# fail \d+/.test(line)) };
}

function detailsAfter(lines: readonly string[], index: number): readonly string[] {
  if (lines[index + 1]?.trim() !== "---") return [];
  const end = lines.findIndex((line, at) => at > index && line.trim() === "...");
  return lines.slice(index + 2, end === -1 ? undefined : end);
}

function messageIn(details: readonly string[]): string {
  const at = details.findIndex((line) => /^\s*error:/.test(line));
  if (at === -1) return "no message";
  const first = (details[at] ?? "").replace(/^\s*error:\s*/, "");
  if (!/^[|>]/.test(first)) return first;
  const block: string[] = [];
  for (const line of details.slice(at + 1)) {
    if (/^\s*\w+:/.test(line)) break;
    if (line.trim() !== "") block.push(line.trim());
  }
  return block.join(" ");
}
