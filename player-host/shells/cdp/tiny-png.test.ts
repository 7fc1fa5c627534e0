import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePng, imageSize } from "./tiny-png.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function chunk(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(type), body, Buffer.alloc(4)]);
}

/** Encodes with the given filter per line (PNG specification, section 9). */
function encode(width: number, height: number, channels: 3 | 4, pixels: Uint8Array, filters: readonly number[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 3 ? 2 : 6, 0, 0, 0], 8);
  const stride = width * channels;
  const raw = Buffer.alloc((stride + 1) * height);
  const at = (x: number, y: number): number => (x < 0 || y < 0 ? 0 : (pixels[y * stride + x] ?? 0));
  for (let y = 0; y < height; y++) {
    const filter = filters[y % filters.length] ?? 0;
    raw[y * (stride + 1)] = filter;
    for (let x = 0; x < stride; x++) {
      const [left, up, corner] = [at(x - channels, y), at(x, y - 1), x < channels ? 0 : at(x - channels, y - 1)];
      const paeth = [left, up, corner].sort((p, q) => Math.abs(left + up - corner - p) - Math.abs(left + up - corner - q))[0] ?? 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter] ?? 0;
      raw[y * (stride + 1) + 1 + x] = (at(x, y) - predicted) & 255;
    }
  }
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", deflateSync(raw)), chunk("IEND", Buffer.alloc(0))]);
}

describe("a PNG", () => {
  test("is decoded with every filter and channel count", () => {
    const pictures = fc.record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }), channels: fc.constantFrom<3 | 4>(3, 4), filters: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }) });
    fc.assert(
      fc.property(pictures, fc.uint8Array({ minLength: 324, maxLength: 324 }), ({ width, height, channels, filters }, noise) => {
        const pixels = noise.subarray(0, width * height * channels);
        const decoded = decodePng(encode(width, height, channels, pixels, filters));
        if (!decoded.ok) throw new Error(decoded.error.message);
        expect([decoded.value.width, decoded.value.height]).toEqual([width, height]);
        for (let pixel = 0; pixel < width * height; pixel++) {
          const wanted = [...pixels.subarray(pixel * channels, pixel * channels + channels), ...(channels === 3 ? [255] : [])];
          expect([...decoded.value.rgba.subarray(pixel * 4, pixel * 4 + 4)]).toEqual(wanted);
        }
      }),
    );
  });

  test("that is damaged is refused without an exception", () => {
    const good = encode(4, 4, 3, new Uint8Array(48).fill(9), [0]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const bad = Buffer.from(good);
        bad[at] = value;
        expect(typeof decodePng(bad.subarray(0, length)).ok).toBe("boolean");
      }),
    );
  });

  test("and a JPEG report their size", () => {
    expect(imageSize(encode(7, 5, 3, new Uint8Array(105), [0]))).toEqual({ width: 7, height: 5 });
    expect(imageSize(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 90, 0, 160, 3, 1, 0x11, 0]))).toEqual({ width: 160, height: 90 });
    expect(imageSize(Buffer.from([1, 2, 3]))).toEqual({ width: 0, height: 0 });
  });
});
