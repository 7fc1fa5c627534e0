/**
 * Switches of the browser itself that people put on our command line. Chromium has read them already; the host's own
 * options do not know them.
 */
const BROWSER_SWITCHES = ["no-sandbox", "ozone-platform", "ozone-platform-hint", "disable-gpu", "use-angle", "use-gl", "force-device-scale-factor", "enable-logging"];

/**
 * The host's own arguments out of Electron's `process.argv`. Packaged, that is the program and what follows. Unpacked,
 * the app's path comes before ours, and the browser's switches may come before the app's path.
 */
export function ownArguments(argv: readonly string[], isPackaged: boolean): readonly string[] {
  const given = argv.slice(1);
  const appPath = isPackaged ? -1 : given.findIndex((argument) => !argument.startsWith("-"));
  return given.slice(appPath + 1).filter((argument) => !BROWSER_SWITCHES.includes(/^--([^=]+)/.exec(argument)?.[1] ?? ""));
}
