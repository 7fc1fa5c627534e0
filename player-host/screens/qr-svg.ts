import qrcode from "qrcode-generator";

/** Width of the quiet zone in modules, as required by ISO/IEC 18004. */
const QUIET = 4;

/** A QR code as one SVG path, always dark on white, as scanners expect. `undefined` when the text is too long. */
export function qrSvg(text: string): string | undefined {
  const code = qrcode(0, "M");
  code.addData(text);
  try {
    code.make();
  } catch {
    // Too much text for the largest QR code: the screen then shows only the code in letters.
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
