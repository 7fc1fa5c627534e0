import { h } from "preact";
import type { View } from "./hooks.dom.ts";

/** Line icons on a 16 px grid. */
const PATHS = {
  logo: "M2 3.5h12v7.5H2zM5.5 13.5h5M8 11v2.5",
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  alert: "M8 2.2l6.3 11.3H1.7zM8 6.4v3.2M8 11.6v.1",
  question: "M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.6v.1M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z",
  moon: "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z",
  link: "M6.5 9.5l3-3M7 4.8l1.4-1.4a2.9 2.9 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.4 1.4a2.9 2.9 0 0 1-4.2-4.2L4.8 7",
  unlink: "M7 4.8l1.4-1.4a2.9 2.9 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.4 1.4a2.9 2.9 0 0 1-4.2-4.2L4.8 7M2.5 2.5l11 11",
  play: "M5 3.2l8 4.8-8 4.8z",
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.6 10.6L14 14",
  plus: "M8 3v10M3 8h10",
  back: "M10 3L5 8l5 5",
  send: "M2.5 8l11-5-3.6 10.4L7.6 9z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5V5h-2.5",
  stop: "M4.5 4.5h7v7h-7z",
  ban: "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM3.7 3.7l8.6 8.6",
  clock: "M8 4.5V8l2.3 1.6M8 14.3a6.3 6.3 0 1 0 0-12.6 6.3 6.3 0 0 0 0 12.6z",
  chip: "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  file: "M4 1.8h5.2L12.5 5v9.2H4zM9 1.8V5h3.5",
  image: "M2 3h12v10H2zM2.5 11.5l3.3-3.6 2.4 2.4 2-1.8 3.3 3M10.6 6.2v.1",
  download: "M8 2v8M4.8 7L8 10.2 11.2 7M3 13.5h10",
  keyboard: "M1.5 4h13v8.5h-13zM4 6.8v.1M6.6 6.8v.1M9.2 6.8v.1M11.8 6.8v.1M4.8 9.8h6.4",
  pencil: "M3 13l.6-2.8 7-7 2.2 2.2-7 7z",
  thermometer: "M6.5 9.2V3.3a1.5 1.5 0 0 1 3 0v5.9a3 3 0 1 1-3 0zM8 6v5.5",
  disk: "M2.5 8.5L4 3h8l1.5 5.5v4.5h-11zM2.5 8.5h11M10.8 10.8v.1",
  network: "M2 6.2a9 9 0 0 1 12 0M4.2 8.8a5.8 5.8 0 0 1 7.6 0M6.3 11.2a2.6 2.6 0 0 1 3.4 0M8 13.4v.1",
  plug: "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0zM8 12.5V15",
  cable: "M3 3.5h5v4.2H3zM5.5 7.7V11a2.5 2.5 0 0 0 5 0V5M9 2.5h3V5H9z",
  snow: "M8 1.5v13M2.4 4.75l11.2 6.5M13.6 4.75L2.4 11.25",
  volume: "M2.5 6v4H5l3.5 2.8V3.2L5 6zM11 5.8a3.2 3.2 0 0 1 0 4.4",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  bolt: "M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z",
  dot: "M8 9.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  list: "M5.5 4H14M5.5 8H14M5.5 12H14M2.3 4v.1M2.3 8v.1M2.3 12v.1",
} as const;

export type IconName = keyof typeof PATHS;

/** A decorative icon, hidden from assistive technology. */
export function icon(name: IconName, extra = ""): View {
  return h(
    "svg",
    { class: `icon ${extra}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false" },
    h("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" }),
  );
}
