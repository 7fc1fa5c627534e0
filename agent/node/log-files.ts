import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROTATED_ENDING } from "../../platform/node/rotating-file.ts";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import { redactText } from "../../platform/runtime/redact.ts";
import type { LogSource } from "../core/commands/services.ts";

/** Suffixes of a log's two files, oldest first: the rotated one and the current one. */
const PARTS = [ROTATED_ENDING, ""] as const;

export interface LogTail {
  readonly name: string;
  readonly text: string;
}

/**
 * The newest complete lines of all logs in `folders`, oldest first within each log, at most `bytesMax` bytes together. A
 * folder that cannot be read is reported in a line of its own if another can. Error: `logs.unreadable`.
 */
export async function readLogTail(folders: readonly string[], bytesMax: number): Promise<Result<readonly LogTail[]>> {
  const paths: string[] = [];
  const unread: LogTail[] = [];
  for (const folder of folders) {
    try {
      paths.push(...(await readdir(folder)).filter((name) => name.endsWith(".log")).sort().map((name) => join(folder, name)));
    } catch (thrown) {
      unread.push({ name: basename(folder), text: `the logs in ${folder} cannot be read: ${messageOf(thrown)}\n` });
    }
  }
  if (unread.length === folders.length) return fail("logs.unreadable", unread.map(({ text }) => text.trim()).join("; "));
  try {
    const each = Math.floor(bytesMax / Math.max(1, paths.length));
    const logs = await Promise.all(paths.map(async (path) => ({ name: basename(path), text: await tailOf(path, each) })));
    return ok([...logs, ...unread]);
  } catch (thrown) {
    return fail("logs.unreadable", `the logs cannot be read: ${messageOf(thrown)}`);
  }
}

/** Collects the logs for upload as gzip; at most `bytesMax` bytes before compression. */
export function logSource(folders: readonly string[], flush: () => void): LogSource {
  return {
    async collect(bytesMax) {
      flush();
      const logs = await readLogTail(folders, bytesMax);
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

/** The last whole lines of a file within `bytesMax`; empty when the file does not exist. */
async function endOf(path: string, bytesMax: number): Promise<string> {
  let file;
  try {
    // The player's folder belongs to another user, who could put a link to the device's key there, or a pipe without a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT") return "";
    if (code === "ELOOP") return `${path} is a link and was not read\n`;
    throw thrown;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return `${path} is not a regular file and was not read\n`;
    const { size } = stat;
    const from = Math.max(0, size - bytesMax);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const text = buffer.toString("utf8", 0, bytesRead);
    // An earlier version, or a player host of another version, may have written unmasked lines.
    return redactText(from === 0 ? text : text.slice(text.indexOf("\n") + 1));
  } finally {
    await file.close();
  }
}
