import { readFileSync } from "node:fs";
import { basename, join, normalize } from "node:path";

/** Pages for whoever stands before the screen or writes the cloud for it, by their place in the source tree. In the package they share one folder. */
export const SHIPPED_DOCS = [
  "CHANGELOG.md",
  ...["architecture", "card-image", "codes", "commands", "configuration", "first-boot", "hardware", "identity", "installation", "page-api", "protocol", "secrets", "updates"].map((name) => `docs/${name}.md`),
];

/** `[label](target)`, also of an image. */
const LINK = /!?\[([^\]]*)\]\(([^)\s]*)\)/g;

/**
 * The text of a page as the package has it: links to other shipped pages lead to them, and what stays in the source tree is named
 * instead of linked.
 */
export function shippedDoc(root: string, page: string): string {
  return readFileSync(join(root, page), "utf8").replaceAll(LINK, (link, label: string, target: string) => {
    const [path = "", heading] = target.split("#");
    if (path === "" || /^[a-z]+:/.test(target)) return link;
    const source = normalize(join(page, "..", path));
    if (SHIPPED_DOCS.includes(source)) return `[${label}](${basename(source)}${heading === undefined ? "" : `#${heading}`})`;
    return label === source ? `\`${source}\` of the source tree` : `${label} (\`${source}\` of the source tree)`;
  });
}
