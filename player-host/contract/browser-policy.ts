/**
 * What a managed policy forbids the kiosk's browser, for Chromium and Chrome alike. The profile's preferences say the same
 * wherever a preference can (`kiosk-preferences.ts`); a policy cannot be changed by what runs in the browser. It has no
 * `DeveloperToolsAvailability: 2`: with it Chromium 150 refuses the player host's debugging pipe every page.
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

/** Where browsers look: Debian's and Raspberry Pi OS's Chromium, older ones, Google Chrome. Only root writes there. */
export const BROWSER_POLICY_PATHS = ["/etc/chromium/policies/managed/vitrine.json", "/etc/chromium-browser/policies/managed/vitrine.json", "/etc/opt/chrome/policies/managed/vitrine.json"] as const;

/** The file as it is to stand there. */
export function browserPolicyText(): string {
  return `${JSON.stringify(BROWSER_POLICY, undefined, 2)}\n`;
}
