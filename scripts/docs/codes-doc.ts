import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PLACES } from "../../platform/ports/code-places.ts";
import { CODES } from "../../platform/ports/codes.ts";

/** Writes docs/codes.md from the table of codes; `--check` only reports whether it is up to date. */
const FILE = fileURLToPath(new URL("../../docs/codes.md", import.meta.url));

const HEAD = `# Codes

Generated from \`platform/ports/codes.ts\` by \`scripts/docs/codes-doc.ts\`. Do not edit by hand.

Every failure that is expected in the field has a code. Codes are stable: match on them, and show people the \`message\` (and
the \`hint\`) that comes with them and gives the details. New codes may be added, so treat an unknown one as a
failure without further meaning. \`<status>\` stands for a number, any other \`<word>\` for a text of the device.

Codes that a device passes on from others are not in this table: the cloud's own \`refused.…\` and its refusals of records
and uploads, and those of a page or player host of another version. The development cloud's are in
[dev-cloud-api.md](dev-cloud-api.md).

| where | means |
|---|---|
`;

/** Text of docs/codes.md. */
export function codesDoc(): string {
  const entries = Object.entries(CODES) as readonly (readonly [code: string, entry: readonly [places: string, happened: string, remedy?: string]])[];
  const parts = [...new Set(entries.map(([code]) => partOf(code)))];
  const places = Object.entries(PLACES).map(([place, meaning]) => `| ${place} | ${meaning} |\n`).join("");
  const sections = parts.map((part) => {
    const rows = entries.filter(([code]) => partOf(code) === part).map(row);
    return `\n## ${part}\n\n| code | what happened, and what to do | where |\n|---|---|---|\n${rows.join("")}`;
  });
  return `${HEAD}${places}${sections.join("")}`;
}

function partOf(code: string): string {
  return code.split(/[.-]/)[0] ?? code;
}

function row([code, [places, happened, remedy]]: readonly [string, readonly [string, string, string?]]): string {
  return `| \`${code}\` | ${happened}${remedy === undefined ? "" : ` ${remedy}`} | ${places.replaceAll(" ", ", ")} |\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const doc = codesDoc();
  if (!process.argv.includes("--check")) await writeFile(FILE, doc);
  else if ((await readFile(FILE, "utf8").catch(() => "")) !== doc) {
    console.error("docs/codes.md is out of date with platform/ports/codes.ts; run: node scripts/docs/codes-doc.ts");
    process.exitCode = 1;
  }
}
