/**
 * The managed policy of the kiosk's browser, for Chromium and Chrome alike. The profile's preferences set the same
 * where a preference exists (`kiosk-preferences.ts`), but nothing that runs in the browser can change a policy. It must not
 * contain `DeveloperToolsAvailability: 2`: with that, Chromium 150 denies the player host's debugging pipe access to every page.
 */
export const BROWSER_POLICY = {
  PrintingEnabled: false,
  AllowFileSelectionDialogs: false,
  IncognitoModeAvailability: 1,
  EditBookmarksEnabled: false,
  BookmarkBarEnabled: false,
  FullscreenAllowed: false,
  ScreenCaptureAllowed: false,
  TaskManagerEndProcessEnabled: false,
  PasswordManagerEnabled: false,
  AutofillAddressEnabled: false,
  AutofillCreditCardEnabled: false,
  TranslateEnabled: false,
  DownloadRestrictions: 3,
  BrowserSignin: 0,
  SyncDisabled: true,
  MetricsReportingEnabled: false,
  DefaultBrowserSettingEnabled: false,
  BackgroundModeEnabled: false,
  SSLErrorOverrideAllowed: false,
  URLBlocklist: ["chrome://*", "chrome-untrusted://*", "devtools://*", "view-source:*", "file://*", "mailto:*", "tel:*"],
} as const;

/** Where browsers read policies: Chromium on Debian and Raspberry Pi OS, older packages, Google Chrome. Only root can write there. */
export const BROWSER_POLICY_PATHS = ["/etc/chromium/policies/managed/vitrine.json", "/etc/chromium-browser/policies/managed/vitrine.json", "/etc/opt/chrome/policies/managed/vitrine.json"] as const;

/** Content of the policy file. */
export function browserPolicyText(): string {
  return `${JSON.stringify(BROWSER_POLICY, undefined, 2)}\n`;
}
