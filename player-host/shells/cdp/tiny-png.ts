import { inflateSync } from "node:zlib";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { PixelSample } from "../../stage/shell.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Samples have at most 128 by 72 pixels. */
const PIXELS_MAX = 4096 * 4096;

/**
 * Decodes an 8-bit RGB or RGBA PNG without interlace, the kind Chromium's encoder writes (PNG specification, sections 5
 * and 9). Error: `capture.broken-png`.
 */
export function decodePng(png: Uint8Array): Result<PixelSample> {
  if (SIGNATURE.some((byte, at) => png[at] !== byte)) return broken("it has no PNG signature");
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const data: Uint8Array[] = [];
  let header: { width: number; height: number; channels: 3 | 4 } | undefined;
  for (let at = 8; at + 12 <= png.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    const body = png.subarray(at + 8, at + 8 + length);
    if (body.length !== length) return broken("it ends too early");
    if (type === "IHDR") {
      const [depth, colour, , , interlace] = png.subarray(at + 16, at + 21);
      if (depth !== 8 || (colour !== 2 && colour !== 6) || interlace !== 0) return broken("it is of a kind the browser does not write");
      header = { width: view.getUint32(at + 8), height: view.getUint32(at + 12), channels: colour === 2 ? 3 : 4 };
    } else if (type === "IDAT") data.push(body);
    at += 12 + length;
  }
  if (header === undefined || header.width * header.height > PIXELS_MAX) return broken("its size is missing or absurd");
  try {
    return ok(unfilter(inflateSync(Buffer.concat(data)), header));
  } catch (thrown) {
    // zlib throws on damaged data.
    return broken(thrown instanceof Error ? thrown.message : "its data is damaged");
  }
}

function unfilter(raw: Uint8Array, { width, height, channels }: { width: number; height: number; channels: 3 | 4 }): PixelSample {
  const stride = width * channels;
  if (raw.length < (stride + 1) * height) throw new RangeError("its data ends too early");
  const lines = new Uint8Array(stride * height);
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? (lines[y * stride + x - channels] ?? 0) : 0;
      const up = y > 0 ? (lines[(y - 1) * stride + x] ?? 0) : 0;
      const upLeft = y > 0 && x >= channels ? (lines[(y - 1) * stride + x - channels] ?? 0) : 0;
      const value = ((raw[y * (stride + 1) + 1 + x] ?? 0) + predict(filter, left, up, upLeft)) & 255;
      lines[y * stride + x] = value;
      rgba[(y * width + Math.floor(x / channels)) * 4 + (x % channels)] = value;
    }
  }
  return { width, height, rgba };
}

function predict(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const [a, b, c] = [Math.abs(up - upLeft), Math.abs(left - upLeft), Math.abs(left + up - 2 * upLeft)];
      return a <= b && a <= c ? left : b <= c ? up : upLeft;
    }
    default:
      return 0;
  }
}

/** Width and height from the header of a PNG or JPEG; zeros when there is none. */
export function imageSize(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && bytes[0] === 0x89) return { width: view.getUint32(16), height: view.getUint32(20) };
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] ?? 0;
    // Start of frame, baseline to progressive: ITU-T T.81, table B.1.
    if (marker >= 0xc0 && marker <= 0xc3) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return { width: 0, height: 0 };
}

function broken(why: string): Result<never> {
  return fail("capture.broken-png", `The browser's picture cannot be read: ${why}.`);
}
