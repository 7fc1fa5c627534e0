import type { HostReply, HostRequest } from "../contract/link-messages.ts";
import { LINK_LINE_BYTES_MAX } from "../contract/link-messages.ts";
import type { ScreenshotRequest, Shell } from "../stage/shell.ts";

/** Largest Base64 image that fits into a line of the link together with the rest of the reply. */
const BASE64_BYTES_MAX = LINK_LINE_BYTES_MAX - 16 * 1024;

/**
 * Takes a screenshot as requested or, if it does not fit into a line of the link, a smaller one as JPEG; the reply
 * says which. A full-size PNG of a photo has several megabytes.
 */
export async function takeScreenshot(shell: Shell, asked: Extract<HostRequest, { do: "screenshot" }>): Promise<HostReply> {
  const { format, quality, widthMax } = asked;
  const first: ScreenshotRequest = { format, ...(quality === undefined ? {} : { quality }), ...(widthMax === undefined ? {} : { widthMax }) };
  const smaller: ScreenshotRequest[] = [
    { format: "jpeg", quality: 80, ...(widthMax === undefined ? {} : { widthMax }) },
    { format: "jpeg", quality: 70, widthMax: Math.min(widthMax ?? 1920, 1920) },
    { format: "jpeg", quality: 60, widthMax: Math.min(widthMax ?? 1280, 1280) },
  ];
  for (const request of [first, ...smaller]) {
    const shot = await shell.screenshot(request);
    if (!shot.ok) return { ok: false, code: shot.error.code, message: shot.error.message };
    if (shot.value.base64.length <= BASE64_BYTES_MAX) return { ok: true, result: { ...shot.value } };
  }
  return { ok: false, code: "screenshot.too-large", message: `Even a small JPEG of this picture is over ${BASE64_BYTES_MAX} bytes.` };
}
