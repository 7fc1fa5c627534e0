import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Decisions, the changelog and records of past runs describe older trees. */
const PAGES = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md", { cwd: ROOT })];
/** `folder/file.ts`, `folder/`. Anything with a placeholder, a space or a variable is not a path of ours. */
const PATH = /`((?:agent|player-host|platform|scripts|docs|findings)\/[\w./-]*)`/g;
const LINK = /\]\((?!https?:|mailto:)([^)\s]*)\)/g;

/** Names and links of a page that do not exist. */
function missingIn(page: string, text: string): string[] {
  const paths = [...text.matchAll(PATH)].flatMap(([, path = ""]) => (existsSync(join(ROOT, path)) ? [] : [`${page}: ${path}`]));
  return [...paths, ...deadLinksIn(page, text)];
}

function deadLinksIn(page: string, text: string): string[] {
  return [...text.matchAll(LINK)].flatMap(([, link = ""]) => {
    const [path = "", heading] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return [`${page}: ${link}`];
    return heading === undefined || headingsOf(target).includes(heading) ? [] : [`${page}: ${link}`];
  });
}

/** Anchors of the headings of a page. */
function headingsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase().replace(/[^\w\s-]/g, "").trim().replaceAll(/\s/g, "-"));
}

test.each(PAGES)("every path, page and heading named in %s exists", (page) => {
  expect(missingIn(page, readFileSync(join(ROOT, page), "utf8"))).toEqual([]);
});

/** Older pages may name what is gone, but may not link to it. */
const OLDER = ["CHANGELOG.md", ...globSync(["docs/decisions/*.md", "findings/**/*.md"], { cwd: ROOT })];

test.each(OLDER)("every link in %s leads somewhere", (page) => {
  expect(deadLinksIn(page, readFileSync(join(ROOT, page), "utf8"))).toEqual([]);
});

test("a missing path, page or heading is found", () => {
  expect(missingIn("README.md", "`agent/nowhere.ts`, [a](docs/nowhere.md), [b](docs/testing.md#nowhere), `agent/core/`, [c](docs/testing.md)")).toEqual([
    "README.md: agent/nowhere.ts", "README.md: docs/nowhere.md", "README.md: docs/testing.md#nowhere",
  ]);
});
