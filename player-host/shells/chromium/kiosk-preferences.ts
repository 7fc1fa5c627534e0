/**
 * Preferences of the profile, by Chromium's own names (`chrome/common/pref_names.h`; each was tried on Chromium 150 and
 * 156). `devtools.availability: 2` is not among them: with it Chromium 150 refuses the debugging pipe every page as well.
 */
export const KIOSK_PREFERENCES = {
  // Ctrl+P, Ctrl+Shift+P and `window.print()`: nothing is printed and no dialog comes.
  printing: { enabled: false },
  // F7 asks in a dialog.
  settings: { a11y: { caretbrowsing: { enabled: false, show_dialog: false } } },
  // Ctrl+Shift+N and Ctrl+D.
  incognito: { mode_availability: 1 },
  bookmarks: { editing_enabled: false },
  // The browser's own pages: history, settings, downloads, and what an error page or a key may lead to.
  policy: { url_blocklist: ["chrome://*", "chrome-untrusted://*", "devtools://*", "view-source:*", "file://*"] },
  // Bubbles that offer to keep what was typed.
  credentials_enable_service: false,
  autofill: { profile_enabled: false, credit_card_enabled: false },
  translate: { enabled: false },
  // Lists of devices to choose from, with nobody there to choose (2: blocked).
  profile: { default_content_setting_values: { usb_guard: 2, hid_guard: 2, serial_guard: 2, bluetooth_guard: 2 } },
  // Both come with something over the picture: a bubble that says how to leave full screen, a window to choose what to share.
  fullscreen: { allowed: false },
  hardware: { screen_capture_enabled: false },
  // Nothing is looked up, connected to or fetched before a page asks for it: hints of a page (`preconnect`, `dns-prefetch`,
  // speculation rules) reach hosts that no content security policy is asked about.
  net: { network_prediction_options: 2 },
  // Downloads are refused over the pipe; this is for the moment before it is asked.
  download_restrictions: 3,
  // Programs that an address would start, with a question over the picture.
  protocol_handler: { excluded_schemes: Object.fromEntries(["mailto", "tel", "sms", "news", "nntp", "snews", "webcal", "facetime", "steam"].map((scheme) => [scheme, true])) },
} as const;

/** Of the whole browser. */
export const KIOSK_LOCAL_STATE = {
  // Ctrl+O and Ctrl+S; a page's own file chooser is answered over the pipe, because this one says so in a bar.
  select_file_dialogs: { allowed: false },
  task_manager: { end_process_enabled: false },
} as const;
