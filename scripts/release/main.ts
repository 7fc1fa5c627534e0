/** `npm run package:manifest`: signs a release made of Debian packages. `--help` explains it. */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { newReleaseKey, readReleaseKey } from "./release-key.ts";
import { signedManifest } from "./signed-manifest.ts";

const HELP = `npm run package:manifest -- --key FILE --base URL [--browser FILE@VERSION:ARCH]… [--downgrade] [--out FILE] PACKAGE.deb…
npm run package:manifest -- --new-key FILE

Signs the manifest of one release, from its Debian packages (npm run package:deb), one for each architecture.
  --base URL      where the files will be served; each file's name is added to it
  --key FILE      the release key's private half
  --browser …     a tar archive with a browser, whose program is "chromium" at the top, for one architecture
  --downgrade     the release may replace a newer one
  --out FILE      default: vitrine_<version>.release.json
  --new-key FILE  makes a release key: FILE (secret, mode 0600; keep it outside the source tree) and FILE.pub, which devices get in
                  their package (npm run package:deb -- --release-key FILE.pub) or in /etc/vitrine/release-keys`;

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean", default: false }, key: { type: "string" }, base: { type: "string" }, out: { type: "string" },
      browser: { type: "string", multiple: true, default: [] }, downgrade: { type: "boolean", default: false }, "new-key": { type: "string" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values["new-key"] !== undefined) {
    const id = await newReleaseKey(values["new-key"], systemRandom);
    console.log(`release key ${id}: ${values["new-key"]} (keep it secret) and ${values["new-key"]}.pub (for the devices)`);
    return 0;
  }
  const { key, base } = values;
  if (key === undefined || base === undefined || positionals.length === 0) {
    console.error(HELP);
    return 2;
  }
  const made = await signedManifest({ packages: positionals, browsers: values.browser, base, downgrade: values.downgrade, key: await readReleaseKey(key) });
  if (!made.ok) {
    console.error(`${made.error.message}${made.error.hint === undefined ? "" : `\n${made.error.hint}`}`);
    return 1;
  }
  const out = values.out ?? `vitrine_${made.value.version}.release.json`;
  await writeFile(out, `${JSON.stringify(made.value.signed, null, 2)}\n`);
  console.log(`${out}: release ${made.value.version} for ${made.value.architectures.join(" and ")}, ${(await readFile(out)).length} bytes`);
  return 0;
}
