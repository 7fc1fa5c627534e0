import { expect, test } from "vitest";
import { browserProxyOf, isDirect, proxyEnvironment } from "./way-out.ts";

test("the browser's command line has the proxy without user and password", () => {
  expect(browserProxyOf({ proxy: "http://us%40er:p%3Ass@proxy.site:3128" })).toEqual({ server: "http://proxy.site:3128", bypass: "", credentials: { username: "us@er", password: "p:ss" } });
  expect(browserProxyOf({ proxy: "https://proxy.site:3129" })).toEqual({ server: "https://proxy.site:3129", bypass: "", credentials: undefined });
  for (const proxy of [undefined, "", "nonsense", "socks5://proxy:1", "http://user:100%@proxy.site:3128"]) expect(browserProxyOf({ ...(proxy !== undefined && { proxy }) }), proxy).toBeUndefined();
});

test("exceptions from the proxy are the same for the browser, Node and us", () => {
  const wayOut = { proxy: "http://proxy.site:3128", noProxy: "Menu.LAN, *.cams.lan,192.168.1.20:8080,[fd00::5]:81,[fd00::6], bad host" };
  expect(browserProxyOf(wayOut)?.bypass).toBe("menu.lan;.menu.lan;cams.lan;.cams.lan;192.168.1.20:8080;[fd00::5]:81;[fd00::6]");
  expect(proxyEnvironment(new URL("https://menu.example"), wayOut)).toEqual({ HTTP_PROXY: wayOut.proxy, HTTPS_PROXY: wayOut.proxy });
  expect(proxyEnvironment(new URL("https://a.menu.lan"), wayOut)).toEqual({});
  expect(proxyEnvironment(new URL("https://menu.example"), {})).toBeUndefined();
  for (const url of ["http://menu.lan/", "https://a.menu.lan/", "http://1.cams.lan", "http://192.168.1.20:8080/", "http://[fd00::5]:81/", "http://[fd00::6]/", "http://localhost:1", "http://127.0.0.1", "http://[::1]/"]) expect(isDirect(new URL(url), wayOut), url).toBe(true);
  for (const url of ["http://menu.lan.evil/", "http://xmenu.lan/", "http://192.168.1.20/", "http://[fd00::5]/", "https://menu.example/"]) expect(isDirect(new URL(url), wayOut), url).toBe(false);
  expect(isDirect(new URL("https://menu.example"), { ...wayOut, noProxy: "*" })).toBe(true);
});
