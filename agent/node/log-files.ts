import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import type { LogSource } from "../core/commands/services.ts";

/** Where one log is: its file and the one set aside before it. */
const PARTS = [".1", ""] as const;

/**
 * The newest complete lines of all logs in `folder`, oldest first within each log, together at most
 * `bytesMax` bytes. Error: `logs.unreadable`.
 */
export async function readLogTail(folder: string, bytesMax: number): Promise<Result<readonly { readonly name: string; readonly text: string }[]>> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".log")).sort();
    const each = Math.floor(bytesMax / Math.max(1, names.length));
    const logs = await Promise.all(names.map(async (name) => ({ name, text: await tailOf(join(folder, name), each) })));
    return ok(logs);
  } catch (thrown) {
    return fail("logs.unreadable", `the logs in ${folder} cannot be read: ${messageOf(thrown)}`);
  }
}

/** Collects the logs for upload: gzip, at most `bytesMax` bytes before compression. */
export function logSource(folder: string, flush: () => void): LogSource {
  return {
    async collect(bytesMax) {
      flush();
      const logs = await readLogTail(folder, bytesMax);
      if (!logs.ok) return logs;
      const text = logs.value.map(({ name, text: lines }) => `==> ${name} <==\n${lines}`).join("\n");
      return ok({ bytes: gzipSync(text), contentType: "application/gzip" });
    },
  };
}

async function tailOf(path: string, bytesMax: number): Promise<string> {
  let text = "";
  for (const part of PARTS.toReversed()) {
    const left = bytesMax - Buffer.byteLength(text);
    if (left <= 0) break;
    text = (await endOf(path + part, left)) + text;
  }
  return text;
}

/** The last whole lines of a file within `bytesMax`; empty when it is not there. */
async function endOf(path: string, bytesMax: number): Promise<string> {
  let file;
  try {
    file = await open(path, "r");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw thrown;
  }
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - bytesMax);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const text = buffer.toString("utf8", 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}
