import { utf8 } from "../../runtime/encoding.ts";
import { fail, ok } from "../../ports/result.ts";
import type { MachineFiles } from "../machine-files.ts";

export type Fixture = Record<string, string | Uint8Array | undefined>;

/** A machine's files as a table from path to content. A value of `undefined` is a file that cannot be read; links begin with "-> ". */
export function fixtureFiles(fixture: Fixture): MachineFiles {
  const bytes: MachineFiles["bytes"] = (path) => {
    if (!Object.hasOwn(fixture, path)) return fail("file.missing", `/${path} is missing`);
    const content = fixture[path];
    if (content === undefined) return fail("file.unreadable", `/${path}: permission denied`);
    return ok(typeof content === "string" ? utf8(content) : content);
  };
  return {
    bytes,
    text: (path) => {
      const read = bytes(path);
      return read.ok ? ok(new TextDecoder().decode(read.value).replaceAll("\u0000", "").trim()) : read;
    },
    names: (path) => {
      const inside = Object.keys(fixture).filter((name) => name.startsWith(`${path}/`));
      return [...new Set(inside.map((name) => name.slice(path.length + 1).split("/")[0] ?? ""))].sort();
    },
    link: (path) => {
      const content = Object.hasOwn(fixture, path) ? fixture[path] : undefined;
      return typeof content === "string" && content.startsWith("-> ") ? content.slice(3) : undefined;
    },
    has: (path) => bytes(path).ok,
  };
}

/** A base block with a right check sum: who the sink is, and nothing else. */
export function edidBlock(identity: {
  manufacturer: string;
  product: number;
  serialNumber?: number;
  serial?: string;
  name?: string;
}): Uint8Array {
  const block = new Uint8Array(128);
  const view = new DataView(block.buffer);
  block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
  view.setUint16(
    8,
    [...identity.manufacturer].reduce((bits, letter) => (bits << 5) | (letter.charCodeAt(0) - 64), 0),
  );
  view.setUint16(10, identity.product, true);
  view.setUint32(12, identity.serialNumber ?? 0, true);
  descriptor(block, 54, 0xfc, identity.name);
  descriptor(block, 72, 0xff, identity.serial);
  block[127] = (256 - (block.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return block;
}

function descriptor(block: Uint8Array, offset: number, tag: number, text: string | undefined): void {
  if (text === undefined) return;
  block.set([0, 0, 0, tag, 0, ...utf8(`${text}\n`.padEnd(13, " ")).slice(0, 13)], offset);
}

/** Two connectors on one card: HDMI-A-1 with a TV at 1920x1080@60, HDMI-A-2 empty. */
export function drmFixture(): Fixture {
  const tv = edidBlock({ manufacturer: "SAM", product: 29_001, serial: "H4ZR500123", name: "QM55C" });
  return {
    "sys/class/drm/version": "drm 1.1.0 20060810",
    "sys/class/drm/card1/dev": "226:1",
    "sys/class/drm/card1-HDMI-A-1/status": "connected\n",
    "sys/class/drm/card1-HDMI-A-1/enabled": "enabled\n",
    "sys/class/drm/card1-HDMI-A-1/dpms": "On\n",
    "sys/class/drm/card1-HDMI-A-1/modes": "3840x2160\n1920x1080\n",
    "sys/class/drm/card1-HDMI-A-1/edid": tv,
    "sys/class/drm/card1-HDMI-A-2/status": "disconnected\n",
    "sys/class/drm/card1-HDMI-A-2/enabled": "disabled\n",
    "sys/class/drm/card1-HDMI-A-2/dpms": "Off\n",
    "sys/class/drm/card1-HDMI-A-2/modes": "",
    "sys/class/drm/card1-HDMI-A-2/edid": "",
    "sys/class/drm/card1-Writeback-1/status": "unknown\n",
    "sys/kernel/debug/dri/1/state": DRM_STATE,
  };
}

/** In the form of the kernel's drm_atomic_state printer. */
const DRM_STATE = `plane[33]: plane-0
\tcrtc=crtc-3
\tfb=351
crtc[87]: crtc-2
\tenable=0
\tactive=0
\tmode: "": 0 0 0 0 0 0 0 0 0 0 0x0 0x0
crtc[95]: crtc-3
\tenable=1
\tactive=1
\tmode: "1920x1080": 60 148500 1920 2008 2052 2200 1080 1084 1089 1125 0x48 0x5
connector[32]: HDMI-A-1
\tcrtc=crtc-3
\tself_refresh_aware=0
connector[42]: HDMI-A-2
\tcrtc=(null)
\tself_refresh_aware=0
`;
