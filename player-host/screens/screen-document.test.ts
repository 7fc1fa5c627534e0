import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { qrSvg } from "./qr-svg.ts";
import { screenDocument } from "./screen-document.ts";
import type { ScreenContent } from "./screen-model.ts";

const PAIRING: ScreenContent = { kind: "pairing", code: "K7P 4QX", claimUrl: "http://127.0.0.1/claim", deviceId: "8f2c", status: "Waiting for TLS" };

const SETUP: ScreenContent = { kind: "pairing", deviceId: "8f2c", status: "The network Shop refused the password.", setup: { ssid: "Vitrine-8f2c", password: "k7mp-q4xw-9htz", url: "10.42.0.1" } };

describe("our own pages", () => {
  test.each<ScreenContent>([PAIRING, SETUP, { kind: "pairing", deviceId: "8f2c", status: "s" }, { kind: "offline", message: "m" }, { kind: "fault", code: "a.b", message: "m" }, { kind: "blank" }])(
    "$kind has no script and no address, and its policy allows its one style sheet and nothing else",
    (screen) => {
      const { html, csp } = screenDocument(screen);
      expect(html).not.toMatch(/<script|\son\w+=|\sstyle=|<link|<img|url\(|https?:/i);
      expect(csp).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
      const style = /<style>([^<]*)<\/style>/.exec(html)?.[1];
      const hash = style === undefined ? "" : createHash("sha256").update(style).digest("base64");
      expect(csp).toContain(hash);
    },
  );

  test("show the code, the status and the device", () => {
    const { html } = screenDocument(PAIRING);
    for (const text of ["K7P 4QX", "Waiting for TLS", "8f2c", "<svg class=\"qr\""]) expect(html).toContain(text);
  });

  test("show how to get into the set-up network, and what failed before", () => {
    const { html } = screenDocument(SETUP);
    for (const text of ["Vitrine-8f2c", "k7mp-q4xw-9htz", "10.42.0.1", "refused the password", "<svg class=\"qr\""]) expect(html).toContain(text);
  });

  test("show any text as plain text", () => {
    fc.assert(
      fc.property(fc.constantFrom("<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</style><b>", "'><b>"), fc.string(), (attack, noise) => {
        const text = attack + noise;
        const documents = [screenDocument({ ...PAIRING, code: text, deviceId: text, status: text }), screenDocument({ kind: "pairing", deviceId: text, status: text, setup: { ssid: text, password: text, url: text } }), screenDocument({ kind: "offline", message: text }), screenDocument({ kind: "fault", code: text, message: text })];
        for (const { html } of documents) expect(html).not.toContain(attack);
      }),
    );
  });
});

test("have no QR code for a text that does not fit in one", () => {
  expect(qrSvg("x".repeat(4_000))).toBeUndefined();
  expect(qrSvg("http://127.0.0.1/")).toMatch(/^<svg class="qr" viewBox="0 0 \d+ \d+"/);
});
