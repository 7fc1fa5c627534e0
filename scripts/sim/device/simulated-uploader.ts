import type { CloudLink } from "../../../agent/core/cloud/cloud-port.ts";
import type { Uploader } from "../../../agent/core/commands/uploader.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";

/** Uploads without HTTP: requests the address over the real link and takes the bytes as sent. */
export function simulatedUploader(sim: SimContext, life: Life, device: string, link: Pick<CloudLink, "requestUpload">): Uploader {
  return {
    upload: (upload, signal) =>
      life.call("upload", async () => {
        const { purpose, contentType, bytes, command } = upload;
        if (command !== undefined) sim.ledger.effect(device, `upload:${command.id}:${command.attempt}`);
        const sha256 = toHex(await sim.crypto.sha256(bytes));
        const granted = await link.requestUpload({ purpose, contentType, bytes: bytes.length, sha256, ...(command !== undefined && { command }) });
        if (!granted.ok) return granted;
        const finished = await sleep(life, "sim.upload", life.random.integer(50, 4_000), signal ?? new AbortController().signal);
        if (!finished) return fail("upload.aborted", "given up");
        return ok({ name: granted.value.name, sha256, bytes: bytes.length });
      }),
  };
}

