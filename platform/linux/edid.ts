import type { EdidIdentity } from "../ports/outputs.ts";
import { fail, ok, type Result } from "../ports/result.ts";

/** VESA E-EDID 1.4, section 3: the base block. Extensions after it are not read here. */
const BLOCK_BYTES = 128;
const HEADER = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
const DESCRIPTOR_OFFSETS = [54, 72, 90, 108];
const DESCRIPTOR_TEXT_BYTES = 13;
const TAG_SERIAL = 0xff;
const TAG_NAME = 0xfc;

/** Identity of the sink. Error `outputs.bad-edid`: too short, no EDID header, or a wrong checksum. */
export function parseEdid(edid: Uint8Array): Result<EdidIdentity> {
  if (edid.length < BLOCK_BYTES)
    return fail("outputs.bad-edid", `the EDID has ${edid.length} bytes; the base block alone has ${BLOCK_BYTES}`);
  const block = edid.subarray(0, BLOCK_BYTES);
  if (HEADER.some((byte, i) => block[i] !== byte)) return fail("outputs.bad-edid", "the EDID does not begin with its header");
  if (block.reduce((sum, byte) => sum + byte, 0) % 256 !== 0) return fail("outputs.bad-edid", "the EDID's check sum is wrong");
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  const letters = view.getUint16(8);
  const manufacturer = [letters >> 10, letters >> 5, letters].map((bits) => String.fromCharCode(64 + (bits & 31))).join("");
  const serialNumber = view.getUint32(12, true);
  return ok({
    manufacturer,
    product: view.getUint16(10, true),
    // The text is what is printed on the case; the number is often 0 or 0x01010101.
    serial: descriptorText(block, TAG_SERIAL) ?? (serialNumber === 0 ? "" : String(serialNumber)),
    name: descriptorText(block, TAG_NAME) ?? "",
  });
}

function descriptorText(block: Uint8Array, tag: number): string | undefined {
  const at = DESCRIPTOR_OFFSETS.find((offset) => block[offset] === 0 && block[offset + 1] === 0 && block[offset + 3] === tag);
  if (at === undefined) return undefined;
  const bytes = [...block.subarray(at + 5, at + 5 + DESCRIPTOR_TEXT_BYTES)];
  const end = bytes.indexOf(0x0a);
  // Code page 437 in the standard; what is not printable ASCII would only confuse logs and dashboards.
  return String.fromCharCode(...(end < 0 ? bytes : bytes.slice(0, end)).filter((byte) => byte >= 0x20 && byte < 0x7f)).trim();
}
