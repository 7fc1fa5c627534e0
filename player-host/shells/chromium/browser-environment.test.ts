import { describe, expect, test } from "vitest";
import { browserEnvironment, ozonePlatform } from "./browser-environment.ts";

describe("the browser's environment", () => {
  test("passes on the display, language, time zone, fonts, folders, libraries, message bus and proxy", () => {
    const passed = {
      DISPLAY: ":0", XAUTHORITY: "/x", WAYLAND_DISPLAY: "wayland-0", XDG_RUNTIME_DIR: "/run/user/1", LANG: "de_DE.UTF-8", LC_TIME: "C.UTF-8", TZ: "Europe/Berlin",
      HOME: "/home/p", PATH: "/usr/bin", FONTCONFIG_FILE: "/f", LD_LIBRARY_PATH: "/l", DBUS_SESSION_BUS_ADDRESS: "unix:path=/b", https_proxy: "http://proxy:3128", no_proxy: "local", PULSE_SERVER: "unix:/p",
    };
    expect(browserEnvironment(passed)).toEqual(passed);
  });

  test("has none of the launcher's secrets, switches and Node options", () => {
    const kept = {
      VITRINE_CLAIM_TOKEN: "t", AWS_SECRET_ACCESS_KEY: "k", NPM_TOKEN: "n", NODE_OPTIONS: "--inspect", NODE_EXTRA_CA_CERTS: "/c", LD_PRELOAD: "/evil.so", CHROMIUM_FLAGS: "--remote-debugging-port=1", SSH_AUTH_SOCK: "/s", NOTIFY_SOCKET: "/n",
    };
    expect(browserEnvironment(kept)).toEqual({});
  });
});

describe("the window system", () => {
  const there = (): boolean => true;
  const gone = (): boolean => false;

  test.each([
    ["Wayland alone", { WAYLAND_DISPLAY: "wayland-1", XDG_RUNTIME_DIR: "/run/user/1" }, there, "wayland"],
    ["X11 alone", { DISPLAY: ":0" }, gone, "x11"],
    ["both, as under a compositor with an X server of its own", { DISPLAY: ":0", WAYLAND_DISPLAY: "wayland-1", XDG_RUNTIME_DIR: "/r" }, there, "wayland"],
    ["X11, where the name of a compositor that is gone was left over", { DISPLAY: ":0", WAYLAND_DISPLAY: "wayland-1", XDG_RUNTIME_DIR: "/r" }, gone, "x11"],
    ["Wayland where its socket is missing and there is nothing else: its message says what is wrong", { WAYLAND_DISPLAY: "wayland-1" }, gone, "wayland"],
    ["none where nothing is named", {}, there, undefined],
    ["none where the names are empty", { DISPLAY: "", WAYLAND_DISPLAY: "" }, there, undefined],
  ] as const)("is %s", (_name, env, exists, wanted) => {
    expect(ozonePlatform(env, exists)).toBe(wanted);
  });

  test("is chosen by whether its socket exists where the environment says", () => {
    const asked: string[] = [];
    const exists = (path: string): boolean => asked.push(path) > 0;
    ozonePlatform({ DISPLAY: ":0", WAYLAND_DISPLAY: "wayland-1", XDG_RUNTIME_DIR: "/run/user/7" }, exists);
    ozonePlatform({ DISPLAY: ":0", WAYLAND_DISPLAY: "/tmp/w", XDG_RUNTIME_DIR: "/run/user/7" }, exists);
    expect(asked).toEqual(["/run/user/7/wayland-1", "/tmp/w"]);
  });
});
