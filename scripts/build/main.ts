/** `npm run build`: builds `dist/` and reports what it did. */
import { resolve } from "node:path";
import { build } from "./build.ts";

const startedMs = performance.now();
const { fresh, written, missing } = await build(resolve(import.meta.dirname, "../.."));
const tookMs = Math.round(performance.now() - startedMs);
console.log(fresh ? `dist/ is up to date (${tookMs} ms)` : `dist/ built: ${written.length} files in ${tookMs} ms`);
for (const path of missing) console.error(`missing, so not built: ${path}`);
if (missing.length > 0) process.exitCode = 1;
