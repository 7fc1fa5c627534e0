import { join } from "node:path";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

export async function openBrowser(executablePath: string): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({ executablePath, args: [...quiet, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])] });
}

/** Everything runs locally: a longer wait is a failure, also on a machine that does much else. */
const ANSWER_MS = 30_000;

export interface OpenOptions {
  readonly width?: number;
  readonly scheme?: "light" | "dark";
  /** Matches console messages of failed requests that the test expects. */
  readonly refusals?: RegExp;
}

export interface OpenPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, and requests to other servers. */
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

/** Runs `page-checks.dom.ts` in the page and returns what it finds wrong. */
export async function checkPage(page: Page): Promise<string[]> {
  if (checks === undefined) {
    const built = await build({ entryPoints: [join(import.meta.dirname, "page-checks.dom.ts")], bundle: true, write: false, format: "iife", globalName: "pageChecks", logLevel: "warning" });
    checks = built.outputFiles[0]?.text ?? "";
  }
  return page.evaluate(`(() => { ${checks}; return pageChecks.check(); })()`);
}
