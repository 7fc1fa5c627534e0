import { waylandSocket } from "../cdp/wayland-socket.ts";

/**
 * Environment variables that the browser gets: locations of the display, sound, fonts and folders; language, time zone,
 * drivers and proxy. Everything else is withheld: a launcher's environment may hold tokens and passwords, and a page that
 * breaks out of the browser could read them.
 */
const NAMES = new Set([
  "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "TZDIR", "LANG", "LANGUAGE",
  // The display and its appearance.
  "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XCURSOR_THEME", "XCURSOR_SIZE", "GDK_SCALE", "GDK_DPI_SCALE", "GTK_IM_MODULE", "GTK_THEME", "XMODIFIERS",
  "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
  // A browser that is not installed as a system package brings its own libraries and its own sandbox helper.
  "LD_LIBRARY_PATH", "CHROME_DEVEL_SANDBOX",
  // Chromium reads these when no desktop configures a proxy.
  "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
]);

/** Prefixes for locale, desktop folders, fonts, keyboard, sound, and the graphics and video drivers. */
const PREFIXES = ["LC_", "XDG_", "FONTCONFIG_", "XKB_", "PULSE_", "PIPEWIRE_", "ALSA_", "LIBGL_", "MESA_", "GALLIUM_", "EGL_", "VK_", "LIBVA_", "VDPAU_"];

/** The part of `env` that the browser may see. Pure. */
export function browserEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))));
}

/** Window system that the browser draws on. */
export type OzonePlatform = "wayland" | "x11";

/**
 * Chooses the window system from the environment; `undefined` when it names none. By default Chromium picks X11 outside a
 * desktop session, and exits when there is no X server. A kiosk compositor names both: then Wayland is chosen, because the
 * compositor's X server only translates. `exists`: whether a path (of a socket) exists.
 */
export function ozonePlatform(env: NodeJS.ProcessEnv, exists: (path: string) => boolean): OzonePlatform | undefined {
  const { DISPLAY: x11 = "" } = env;
  const socket = waylandSocket(env);
  if (socket === undefined) return x11 === "" ? undefined : "x11";
  // `WAYLAND_DISPLAY` may be left over from a compositor that is gone; then the X server is used.
  return x11 !== "" && !exists(socket) ? "x11" : "wayland";
}
