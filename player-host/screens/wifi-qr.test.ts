import { expect, test } from "vitest";
import { wifiQrText } from "./wifi-qr.ts";

test.each([
  ["Vitrine-8f2c01ab", "k7mp-q4xw-9htz", "WIFI:T:WPA;S:Vitrine-8f2c01ab;P:k7mp-q4xw-9htz;;"],
  ['a;b,c:d"e\\f', "p;a:s\\s", 'WIFI:T:WPA;S:a\\;b\\,c\\:d\\"e\\\\f;P:p\\;a\\:s\\\\s;;'],
  ["Büro 1", " x ", "WIFI:T:WPA;S:Büro 1;P: x ;;"],
  ["cafe2024", "deadbeef", 'WIFI:T:WPA;S:"cafe2024";P:"deadbeef";;'],
])("a phone reads %j and %j as they are", (ssid, password, text) => {
  expect(wifiQrText(ssid, password)).toBe(text);
});
