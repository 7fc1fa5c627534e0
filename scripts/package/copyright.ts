import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Name of the file with `thirdPartyText`. Not `copyright` itself, in which Debian wants no whole licence that it has already. */
export const THIRD_PARTY = "third-party.txt";

/** Software inside the package: bundled into `dist/`, or beside it. */
interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean; readonly optional?: boolean; readonly license?: string }>>;
}

/** The package's copyright file (Debian policy 12.5): our licence, and where the others are. */
export async function copyrightText(root: string): Promise<string> {
  const ours = await readFile(join(root, "LICENSE"), "utf8");
  return `${section("Vitrine", ours)}\nNode.js and the npm packages inside have licences of their own: see ${THIRD_PARTY} in this folder.\n`;
}

/** The licences of Node and of each npm package that ships. */
export async function thirdPartyText(root: string, nodeLicense: string): Promise<string> {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as Lock;
  const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== "" && entry.dev !== true && entry.optional !== true);
  const texts = await Promise.all(shipped.map(async ([path, { version = "", license = "" }]) => section(`${path.replace(/^.*node_modules\//, "")} ${version} (${license})`, await licenseIn(join(root, path)))));
  return [section("Node.js, /usr/lib/vitrine/bin/node", await readFile(nodeLicense, "utf8")), ...texts].join("\n");
}

function section(title: string, text: string | undefined): string {
  return `${title}\n${"=".repeat(title.length)}\n\n${(text ?? "It has no licence file of its own; its package names the licence above.\n").trimEnd()}\n`;
}

async function licenseIn(folder: string): Promise<string | undefined> {
  const name = (await readdir(folder)).sort().find((each) => /^licen[cs]e(?:\.\w+)?$/i.test(each));
  return name === undefined ? undefined : readFile(join(folder, name), "utf8");
}
