import { expect, test } from "vitest";
import { isReachedDirectly, noProxyEntries } from "./no-proxy.ts";

const direct = (url: string, list: string): boolean => isReachedDirectly(new URL(url), list);

test("a name stands for itself and every name below it, with or without a leading dot or star", () => {
  for (const entry of ["menu.lan", ".menu.lan", "*.menu.lan"]) {
    expect(["http://menu.lan/", "wss://a.b.menu.lan/x"].every((url) => direct(url, entry)), entry).toBe(true);
    expect(["http://xmenu.lan/", "http://menu.lan.example/", "http://lan/"].some((url) => direct(url, entry)), entry).toBe(false);
  }
});

test("letter case does not matter on either side", () => {
  expect(direct("http://Menu.LAN/", "menu.lan")).toBe(true);
  expect(direct("http://a.menu.lan/", " MENU.Lan ,other")).toBe(true);
  expect(direct("http://[FD00::5]/", "[fd00:0:0::5]")).toBe(true);
});

test("a port matters if it is named, and a scheme's default port need not be written", () => {
  expect(["http://menu.lan/", "ws://menu.lan:80/"].every((url) => direct(url, "menu.lan:80"))).toBe(true);
  expect(["https://menu.lan/", "wss://menu.lan/"].every((url) => direct(url, "menu.lan:443"))).toBe(true);
  expect(["https://menu.lan/", "http://menu.lan:8080/"].some((url) => direct(url, "menu.lan:80"))).toBe(false);
  expect(direct("http://any.example:8080/", "*:8080")).toBe(true);
  expect(direct("http://any.example/", "*:8080")).toBe(false);
});

test("an address stands only for itself", () => {
  expect(direct("http://192.168.1.20:8080/", "192.168.1.20:8080")).toBe(true);
  expect(direct("http://192.168.1.20/", "168.1.20,1.20,.1.20")).toBe(false);
  expect(direct("http://[fd00::5]:81/", "[fd00::5]:81")).toBe(true);
  expect(direct("http://[fd00::5]/", "[fd00::5]:81")).toBe(false);
  expect(direct("http://[fd00::6]/", "[fd00::5]")).toBe(false);
});

test("this machine and link-local addresses are always reached directly, as in the browser", () => {
  for (const url of ["http://localhost:1/", "http://a.localhost/", "http://127.0.0.1/", "ws://127.9.9.9/", "http://[::1]/", "http://169.254.3.4/", "http://[fe80::1]/", "http://[febf::1]/"]) expect(direct(url, ""), url).toBe(true);
  for (const url of ["http://localhost.example/", "http://128.0.0.1/", "http://[fec0::1]/", "http://[::2]/", "http://fe80.example/"]) expect(direct(url, ""), url).toBe(false);
});

test("a star stands for every host, and anything that is not a host is ignored", () => {
  expect(direct("https://menu.example/", "*")).toBe(true);
  expect(noProxyEntries("bad host, 10.0.0.0/8,http://menu.lan,menu.lan:x,,[::zz], .,ok.lan:8")).toEqual([{ host: "ok.lan", port: "8" }]);
});
