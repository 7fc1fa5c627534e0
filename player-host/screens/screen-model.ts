/** What our own pages can show. The stage's `ScreenModel` is assignable to it; this folder may not import the stage. */
export type ScreenContent =
  | {
      readonly kind: "pairing";
      readonly code?: string;
      readonly claimUrl?: string;
      readonly deviceId: string;
      /** One line: which step of the connection is under way or fails. */
      readonly status: string;
      /** The set-up network for a phone, while it is open. */
      readonly setup?: { readonly ssid: string; readonly password: string; readonly url: string };
    }
  | { readonly kind: "offline"; readonly message: string }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "blank" };
