import { join } from "node:path";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

export async function openBrowser(executablePath: string): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({ executablePath, args: [...quiet, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])] });
}

/** Everything is on this machine: what takes longer than this is not coming. */
const ANSWER_MS = 10_000;

export interface OpenOptions {
  readonly width?: number;
  readonly scheme?: "light" | "dark";
  /** Refusals the test provokes: the browser writes each failed request to its console. */
  readonly refusals?: RegExp;
}

export interface OpenPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, and requests to anybody but the server. */
  readonly wrong: string[];
}

export async function openPage(browser: Browser, url: string, options: OpenOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ colorScheme: options.scheme ?? "light", viewport: { width: options.width ?? 1280, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(ANSWER_MS);
  const wrong: string[] = [];
  page.on("console", (message) => {
    const line = `console: ${message.text()} ${message.location().url}`;
    if ((message.type() === "error" || message.type() === "warning") && options.refusals?.test(line) !== true) wrong.push(line);
  });
  page.on("pageerror", (error) => wrong.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin)) wrong.push(`asked somebody else: ${request.url()}`);
  });
  await page.goto(url);
  return { page, wrong };
}

let checks: string | undefined;

/** What `page-checks.dom.ts` finds wrong on the page as it is now. */
export async function checkPage(page: Page): Promise<string[]> {
  if (checks === undefined) {
    const built = await build({ entryPoints: [join(import.meta.dirname, "page-checks.dom.ts")], bundle: true, write: false, format: "iife", globalName: "pageChecks", logLevel: "warning" });
    checks = built.outputFiles[0]?.text ?? "";
  }
  return page.evaluate(`(() => { ${checks}; return pageChecks.check(); })()`);
}
