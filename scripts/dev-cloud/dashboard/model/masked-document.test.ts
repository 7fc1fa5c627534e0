import { expect, test } from "vitest";
import { holdsMask, MASK, maskSecrets, restoreSecrets } from "./masked-document.ts";

const CONFIG = { api: { key: "k3y" }, list: [{ pin: 1234 }, "open"] };
const DOCUMENT = {
  content: { kind: "url", url: "http://shop:s3cret@menu.test/board?token=t0ken#s3cret", name: "Menu" },
  player: { config: CONFIG },
  cloud: { endpoints: ["wss://cloud.test/device?token=t0ken", "wss://other.test/device"] },
  log: { level: "info" },
  network: { proxy: "http://shop:s3cret@proxy.test:3128", wifi: { ssid: "Shop", security: "wpa-psk", password: "correct horse" } },
};

test("secrets are masked, everything else is shown", () => {
  const shown = JSON.stringify(maskSecrets(DOCUMENT));
  expect(shown).not.toMatch(/s3cret|correct horse|t0ken|k3y|1234/);
  expect(maskSecrets(DOCUMENT)).toMatchObject({ log: { level: "info" }, cloud: { endpoints: [`wss://cloud.test/device?token=${MASK}`, "wss://other.test/device"] }, content: { url: `http://${MASK}@menu.test/board?token=${MASK}#${MASK}`, name: "Menu" }, player: { config: { api: { key: MASK }, list: [{ pin: MASK }, MASK] } }, network: { proxy: `http://${MASK}@proxy.test:3128`, wifi: { ssid: "Shop", password: MASK } } });
  const plain = { network: { proxy: "http://proxy.test:3128", wifi: { ssid: "Cafe", security: "open" } } };
  expect(maskSecrets(plain)).toEqual(plain);
  expect(maskSecrets({ network: null })).toEqual({ network: null });
});

test("saving restores the secrets, and keeps a newly typed one", () => {
  expect(restoreSecrets(maskSecrets(DOCUMENT), DOCUMENT)).toEqual(DOCUMENT);
  const typed = { network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "another one" } } };
  expect(restoreSecrets(typed, DOCUMENT)).toEqual(typed);
});

test("one of several masked values can be changed or added while the others are restored", () => {
  const masked = maskSecrets(DOCUMENT);
  const typed = { ...masked, player: { config: { api: { key: MASK, more: "new" }, list: [{ pin: 99 }, MASK] } } };
  const restored = restoreSecrets(typed, DOCUMENT);
  expect(restored).toEqual({ ...DOCUMENT, player: { config: { api: { key: "k3y", more: "new" }, list: [{ pin: 99 }, "open"] } } });
  expect(holdsMask(restored)).toBe(false);
  expect(holdsMask(restoreSecrets({ player: { config: { another: MASK } } }, DOCUMENT))).toBe(true);
});

test("a mask does not become the password of another network or proxy", () => {
  const typed = { network: { proxy: `http://${MASK}@elsewhere.test:3128`, wifi: { ssid: "Neighbour", security: "wpa-psk", password: MASK } } };
  expect(restoreSecrets(typed, DOCUMENT)).toEqual(typed);
  expect(restoreSecrets(typed, {})).toEqual(typed);
});
