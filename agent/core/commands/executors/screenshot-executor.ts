import * as v from "valibot";
import type { Screenshot } from "../../../../platform/ports/host.ts";
import { fail, ok, type Result } from "../../../../platform/ports/result.ts";
import { fromBase64Url } from "../../../../platform/runtime/encoding.ts";
import { validate } from "../../../protocol/codec.ts";
import type { CommandParams } from "../../../protocol/commands/catalog.ts";
import type { PlayerLink } from "../../player/player-port.ts";
import type { CommandExecutor } from "../executor.ts";
import type { Uploader } from "../uploader.ts";
import type { ExecutorTime } from "./effect-proof.ts";
import { hostAwaited } from "./player-watch.ts";

const REQUEST_TIMEOUT_MS = 25_000;
const JPEG_QUALITY = 80;

export interface Picture {
  readonly bytes: Uint8Array;
  readonly contentType: "image/png" | "image/jpeg";
  readonly width: number;
  readonly height: number;
  readonly source: string;
  readonly outputOff?: string | undefined;
}

/** Schema of the host's answer, checked because the host is another process. */
const HostPictureReply = v.object({
  base64: v.string(),
  width: v.pipe(v.number(), v.integer(), v.minValue(1)),
  height: v.pipe(v.number(), v.integer(), v.minValue(1)),
  format: v.picklist(["png", "jpeg"]),
  source: v.pipe(v.string(), v.maxLength(64)),
  outputOff: v.optional(v.pipe(v.string(), v.maxLength(500))),
});

/**
 * Takes the picture from the player host or, if that fails, from the machine's compositor if available. A picture of a page
 * behind an output that is off names the output.
 * Codes: `screenshot.bad-picture`, `player.absent`, `compositor.output-off`, or those of the host and `Uploader`.
 */
export function screenshotExecutor(
  sources: { readonly player?: PlayerLink; readonly machine?: Screenshot },
  uploader: Uploader,
  time: ExecutorTime,
): CommandExecutor<"screenshot"> {
  const { player, machine } = sources;
  return {
    // With a compositor there is no need to wait for the host.
    ...(player === undefined || machine !== undefined ? {} : { awaits: hostAwaited(player, time) }),
    async run(params, context) {
      context.progress("capturing");
      const picture = await capturePicture(sources, params);
      if (!picture.ok) return { state: "failed", error: picture.error };
      if (context.signal.aborted)
        return { state: "failed", error: { code: "command.aborted", message: "stopped before the upload" } };
      context.progress("uploading");
      const { bytes, contentType, width, height, source, outputOff } = picture.value;
      const command = { id: context.id, attempt: context.attempt };
      const uploaded = await uploader.upload({ purpose: "screenshot", contentType, bytes, command }, context.signal);
      if (!uploaded.ok) return { state: "failed", error: uploaded.error };
      const { name, sha256 } = uploaded.value;
      return { state: "succeeded", result: { source, contentType, width, height, bytes: bytes.length, sha256, upload: name, ...(outputOff !== undefined && { outputOff }) } };
    },
  };
}

/** Codes as above. */
export async function capturePicture(
  sources: { readonly player?: PlayerLink; readonly machine?: Screenshot },
  params: CommandParams<"screenshot">,
): Promise<Result<Picture>> {
  const { player, machine } = sources;
  const fromPlayer =
    player === undefined ? fail("player.absent", "this device has no player host") : await fromHost(player, params);
  if (fromPlayer.ok || machine === undefined) return fromPlayer;
  const shot = await machine.capture();
  if (!shot.ok) {
    const { code, message } = shot.error;
    return code === "compositor.output-off" ? fail(code, `${message} (and the player: ${fromPlayer.error.message})`) : fromPlayer;
  }
  const size = pngSize(shot.value.png);
  if (size === undefined) return fail("screenshot.bad-picture", "the machine's picture is not a PNG");
  return ok({ bytes: shot.value.png, contentType: "image/png", ...size, source: shot.value.source });
}

async function fromHost(
  player: PlayerLink,
  { format, quality, widthMax }: CommandParams<"screenshot">,
): Promise<Result<Picture>> {
  const wanted = format ?? "jpeg";
  const reply = await player.request(
    {
      do: "screenshot",
      format: wanted,
      ...(wanted === "jpeg" ? { quality: quality ?? JPEG_QUALITY } : {}),
      ...(widthMax === undefined ? {} : { widthMax }),
    },
    REQUEST_TIMEOUT_MS,
  );
  if (!reply.ok) return reply;
  const picture = validate(HostPictureReply, reply.value, "the host's screenshot", "screenshot.bad-picture");
  if (!picture.ok) return picture;
  const bytes = fromBase64(picture.value.base64);
  if (bytes === undefined || bytes.length === 0) return fail("screenshot.bad-picture", "the host's screenshot is not base64");
  const { width, height, source, outputOff } = picture.value;
  return ok({ bytes, contentType: picture.value.format === "png" ? "image/png" : "image/jpeg", width, height, source, outputOff });
}

/** Standard base64 (RFC 4648 section 4), as browsers give it. */
function fromBase64(text: string): Uint8Array | undefined {
  return fromBase64Url(
    text
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/={1,2}$/, ""),
  );
}

/** Width and height from the header chunk, which comes first (PNG specification, 11.2.2). */
function pngSize(png: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (png.length < 24 || signature.some((byte, at) => png[at] !== byte)) return undefined;
  const number = (at: number): number =>
    (png[at] ?? 0) * 2 ** 24 + (((png[at + 1] ?? 0) << 16) | ((png[at + 2] ?? 0) << 8) | (png[at + 3] ?? 0));
  return { width: number(16), height: number(20) };
}
