import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CONFIG_KEYS, configEntry, environmentName, flagName, type ConfigKey } from "../../agent/core/config/config-table.ts";
import { describeType } from "../../agent/core/config/config-type.ts";

/** Writes docs/configuration.md from the configuration table; `--check` only reports whether it is up to date. */
const FILE = fileURLToPath(new URL("../../docs/configuration.md", import.meta.url));

const HEAD = `# Configuration

Generated from \`agent/core/config/config-table.ts\` by \`scripts/docs/configuration-doc.ts\`. Do not edit by hand.

Each key has one value. Later sources win: default, then the file (\`/etc/vitrine/config.json\` on an
[installed device](installation.md), else \`config.json\` in the data folder), then the environment, then flags. \`vitrine config\` shows every value and where it came from.

The file is UTF-8, or UTF-16 as Windows Notepad saves it. In it each dot of a key is one level of nesting:

\`\`\`json
{ "device": { "name": "Lobby" }, "log": { "level": "debug" }, "cloud": { "endpoints": ["wss://cloud.example/device/v1"] } }
\`\`\`

Lists are separated by commas in the environment and in flags. Booleans are \`true\` or \`false\`; a boolean flag may stand alone.

**A wrong configuration never stops a device.** A wrong value counts as absent (the next lower source applies), an unknown key
is ignored, a file that is not JSON is not used; each is logged, shown by \`vitrine doctor\` and reported to the cloud under
\`health\`. \`vitrine config\` names it and exits with code 78; with \`--strict\` the agent does not start and exits with 78 too.
The codes are listed in [codes.md](codes.md#config). Only an unknown flag or a flag without a value is refused (exit code 2): a misspelt
\`--data\` would start another device.

A *live* key can be changed by desired state while the agent runs; the value here is its initial value. A *secret* is never
shown, logged or reported.

`;

export function configurationDoc(): string {
  const sections = CONFIG_KEYS.map(section);
  const rows = CONFIG_KEYS.map((key) => `| [\`${key}\`](#${anchor(key)}) | ${cell(JSON.stringify(configEntry(key).default))} | ${configEntry(key).unit ?? ""} | ${marks(key)} |`);
  return `${HEAD}| key | default | unit | |\n|---|---|---|---|\n${rows.join("\n")}\n\n${sections.join("\n")}`;
}

function section(key: ConfigKey): string {
  const entry = configEntry(key);
  const lines = [
    `## ${key}`,
    "",
    entry.description,
    "",
    `- Value: ${describeType(entry.type)}${entry.unit === undefined ? "" : ` (${entry.unit})`}`,
    `- Default: ${cell(JSON.stringify(entry.default))}`,
    `- Environment: \`${environmentName(key)}\`, flag: \`${flagName(key)}\`${entry.notInFile === true ? "; not in the file" : ""}`,
  ];
  if (marks(key) !== "") lines.push(`- ${marks(key)}`);
  return `${lines.join("\n")}\n`;
}

function marks(key: ConfigKey): string {
  const entry = configEntry(key);
  return [entry.mutable === true ? "live" : "", entry.secret === true ? "secret" : ""].filter((mark) => mark !== "").join(", ");
}

function cell(value: string): string {
  return value === '""' ? "empty" : value === "[]" ? "none" : `\`${value}\``;
}

/** GitHub's anchor of a heading. */
function anchor(key: string): string {
  return key.toLowerCase().replaceAll(".", "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const doc = configurationDoc();
  if (!process.argv.includes("--check")) await writeFile(FILE, doc);
  else if ((await readFile(FILE, "utf8").catch(() => "")) !== doc) {
    console.error("docs/configuration.md is out of date with the configuration table; run: node scripts/docs/configuration-doc.ts");
    process.exitCode = 1;
  }
}
