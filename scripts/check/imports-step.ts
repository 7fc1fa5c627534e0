import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkImports, type Packages } from "./import-direction.ts";
import { readTree } from "./read-tree.ts";
import { oneCheck, type Step } from "./step.ts";

export const importsStep: Step = {
  name: "imports",
  title: "Import direction",
  async run({ root }) {
    const violations = checkImports(await readTree(root), await readPackages(root));
    for (const { file, line, message } of violations) console.log(`${file}:${line} ${message}`);
    return oneCheck(violations.length === 0 ? "" : `Import direction: ${violations.length} forbidden imports`);
  },
};

/** Packages not on the device whose types shipped code may import. */
const TYPES_ONLY = ["devtools-protocol"];

async function readPackages(root: string): Promise<Packages> {
  const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  return { runtime: Object.keys(dependencies), typesOnly: TYPES_ONLY };
}
