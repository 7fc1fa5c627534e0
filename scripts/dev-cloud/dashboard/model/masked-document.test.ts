import { expect, test } from "vitest";
import { MASK, maskSecrets, restoreSecrets } from "./masked-document.ts";

const DOCUMENT = {
  log: { level: "info" },
  network: { proxy: "http://shop:s3cret@proxy.test:3128", wifi: { ssid: "Shop", security: "wpa-psk", password: "correct horse" } },
};

test("passwords are not on the screen, everything else is", () => {
  const shown = JSON.stringify(maskSecrets(DOCUMENT));
  expect(shown).not.toMatch(/s3cret|correct horse/);
  expect(maskSecrets(DOCUMENT)).toMatchObject({ log: { level: "info" }, network: { proxy: `http://shop:${MASK}@proxy.test:3128`, wifi: { ssid: "Shop", password: MASK } } });
  const plain = { network: { proxy: "http://proxy.test:3128", wifi: { ssid: "Cafe", security: "open" } } };
  expect(maskSecrets(plain)).toEqual(plain);
  expect(maskSecrets({ network: null })).toEqual({ network: null });
});

test("what is saved has the passwords again, a new one where it was typed", () => {
  expect(restoreSecrets(maskSecrets(DOCUMENT), DOCUMENT)).toEqual(DOCUMENT);
  const typed = { network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "another one" } } };
  expect(restoreSecrets(typed, DOCUMENT)).toEqual(typed);
});

test("a mask does not become the password of another network or proxy", () => {
  const typed = { network: { proxy: `http://shop:${MASK}@elsewhere.test:3128`, wifi: { ssid: "Neighbour", security: "wpa-psk", password: MASK } } };
  expect(restoreSecrets(typed, DOCUMENT)).toEqual(typed);
  expect(restoreSecrets(typed, {})).toEqual(typed);
});
