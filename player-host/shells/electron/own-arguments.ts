/**
 * Browser switches that may be on our command line. Chromium has read them already; the host's options do not include them.
 */
const BROWSER_SWITCHES = ["no-sandbox", "ozone-platform", "ozone-platform-hint", "disable-gpu", "use-angle", "use-gl", "force-device-scale-factor", "enable-logging"];

/**
 * The host's own arguments from Electron's `process.argv`: after the program when packaged, otherwise after the app's path,
 * which the browser's switches may precede.
 */
export function ownArguments(argv: readonly string[], isPackaged: boolean): readonly string[] {
  const given = argv.slice(1);
  const appPath = isPackaged ? -1 : given.findIndex((argument) => !argument.startsWith("-"));
  return given.slice(appPath + 1).filter((argument) => !BROWSER_SWITCHES.includes(/^--([^=]+)/.exec(argument)?.[1] ?? ""));
}
