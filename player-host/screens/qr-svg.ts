import qrcode from "qrcode-generator";

/** Modules of quiet around the code, as ISO/IEC 18004 asks for. */
const QUIET = 4;

/** A QR code as one SVG path, dark on white whatever surrounds it: scanners expect that. `undefined` for a text that is too long. */
export function qrSvg(text: string): string | undefined {
  const code = qrcode(0, "M");
  code.addData(text);
  try {
    code.make();
  } catch {
    // More text than the largest code holds: the screen then shows the code in letters alone.
    return undefined;
  }
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      if (code.isDark(row, column)) path += `M${column + QUIET} ${row + QUIET}h1v1h-1z`;
    }
  }
  const size = count + 2 * QUIET;
  return `<svg class="qr" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label="QR code"><rect width="${size}" height="${size}" fill="#fff"/><path d="${path}" fill="#0b1220"/></svg>`;
}
