/** Absolute path of the compositor's socket that the environment names, by the rule of `wl_display_connect`; `undefined` when it names none. Pure. */
export function waylandSocket({ WAYLAND_DISPLAY: display = "", XDG_RUNTIME_DIR: runtime = "" }: NodeJS.ProcessEnv): string | undefined {
  if (display === "") return undefined;
  return display.startsWith("/") ? display : `${runtime}/${display}`;
}
