/**
 * What of our environment the browser gets: where the screen, the sound, the fonts and its folders are, which language
 * and time zone, which drivers, which proxy. Everything else stays here: a launcher's environment holds tokens and
 * passwords, and a page that breaks out of the browser would read them.
 */
const NAMES = new Set([
  "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "TZDIR", "LANG", "LANGUAGE",
  // The screen and how things look on it.
  "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XCURSOR_THEME", "XCURSOR_SIZE", "GDK_SCALE", "GDK_DPI_SCALE", "GTK_IM_MODULE", "GTK_THEME", "XMODIFIERS",
  "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
  // A browser unpacked beside the system brings its own libraries and its own sandbox helper.
  "LD_LIBRARY_PATH", "CHROME_DEVEL_SANDBOX",
  // Chromium reads these where no desktop tells a proxy.
  "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
]);

/** Families: locale, desktop folders, fonts, keyboard, sound, and the drivers of graphics and video. */
const PREFIXES = ["LC_", "XDG_", "FONTCONFIG_", "XKB_", "PULSE_", "PIPEWIRE_", "ALSA_", "LIBGL_", "MESA_", "GALLIUM_", "EGL_", "VK_", "LIBVA_", "VDPAU_"];

/** Our environment without what a browser has no business with. Pure. */
export function browserEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))));
}

/** Which window system the browser is to use; `undefined` where the environment names none. */
export type OzonePlatform = "wayland" | "x11";

/**
 * Left alone, a browser picks X11 wherever no desktop session says otherwise, and ends when there is none. A kiosk
 * compositor names both: then Wayland, because its X server is a translation. `exists`: whether a socket is there.
 */
export function ozonePlatform(env: NodeJS.ProcessEnv, exists: (path: string) => boolean): OzonePlatform | undefined {
  const { WAYLAND_DISPLAY: wayland = "", XDG_RUNTIME_DIR: runtime = "", DISPLAY: x11 = "" } = env;
  if (wayland === "") return x11 === "" ? undefined : "x11";
  const socket = wayland.startsWith("/") ? wayland : `${runtime}/${wayland}`;
  // A name left over from a compositor that is gone is no reason to miss the X server that is there.
  return x11 !== "" && !exists(socket) ? "x11" : "wayland";
}
