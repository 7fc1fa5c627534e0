/** A picture of a screen: 8 bits of red, green and blue for each pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export type Colour = readonly [red: number, green: number, blue: number];

/** Reads a binary PPM file, as QEMU's screendump writes it. Throws when it is none. */
export function readPpm(file: Uint8Array): Picture {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(Buffer.from(file.subarray(0, 64)).toString("latin1"));
  if (head === null) throw new Error("not a binary PPM file of 8 bits");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = file.subarray(head[0].length);
  if (pixels.length !== width * height * 3) throw new Error(`a picture of ${width} by ${height} pixels with ${pixels.length} bytes`);
  return { width, height, pixels };
}

/** Share of the pixels, 0 to 1, that are of this colour or nearly. */
export function shareOf({ pixels }: Picture, [red, green, blue]: Colour, tolerance = 8): number {
  let found = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    const near = (offset: number, wanted: number): boolean => Math.abs((pixels[at + offset] ?? 0) - wanted) <= tolerance;
    if (near(0, red) && near(1, green) && near(2, blue)) found += 1;
  }
  return found / (pixels.length / 3);
}
