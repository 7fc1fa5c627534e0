/**
 * Preferences of the profile, by Chromium's own names (`chrome/common/pref_names.h`; each was tested on Chromium 150 and
 * 156). `devtools.availability: 2` is left out: with it, Chromium 150 also refuses the debugging pipe access to every page.
 */
export const KIOSK_PREFERENCES = {
  // Ctrl+P, Ctrl+Shift+P and `window.print()` print nothing and open no dialog.
  printing: { enabled: false },
  // F7 opens a dialog about caret browsing.
  settings: { a11y: { caretbrowsing: { enabled: false, show_dialog: false } } },
  // Disables Ctrl+Shift+N (incognito) and Ctrl+D (bookmark).
  incognito: { mode_availability: 1 },
  bookmarks: { editing_enabled: false },
  // The browser's own pages (history, settings, downloads), to which an error page or a key may lead, and local files.
  policy: { url_blocklist: ["chrome://*", "chrome-untrusted://*", "devtools://*", "view-source:*", "file://*"] },
  // Bubbles that offer to save what was typed.
  credentials_enable_service: false,
  autofill: { profile_enabled: false, credit_card_enabled: false },
  translate: { enabled: false },
  // Device choosers, which nobody is there to answer (2: blocked).
  profile: { default_content_setting_values: { usb_guard: 2, hid_guard: 2, serial_guard: 2, bluetooth_guard: 2 } },
  // Both show something over the picture: a bubble about leaving full screen, a window to choose what to share.
  fullscreen: { allowed: false },
  hardware: { screen_capture_enabled: false },
  // No look-up, connection or fetch in advance: hints in a page (`preconnect`, `dns-prefetch`, speculation rules) reach
  // hosts without a check of the content security policy.
  net: { network_prediction_options: 2 },
  // Downloads are also refused over the pipe; this covers the time before that is set up.
  download_restrictions: 3,
  // URL schemes that would open an external program, after a prompt over the picture.
  protocol_handler: { excluded_schemes: Object.fromEntries(["mailto", "tel", "sms", "news", "nntp", "snews", "webcal", "facetime", "steam"].map((scheme) => [scheme, true])) },
} as const;

/** Preferences of the whole browser (`Local State`). */
export const KIOSK_LOCAL_STATE = {
  // Ctrl+O and Ctrl+S. A page's file chooser is answered over the pipe instead: this preference would show a bar about it.
  select_file_dialogs: { allowed: false },
  task_manager: { end_process_enabled: false },
} as const;
