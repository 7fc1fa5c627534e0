import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import type { Artefact, BrowserArtefact } from "../protocol/release.ts";
import type { Unpacking } from "./unpacking.ts";

/** Bytes that an installation leaves free, for the agent's own stores. */
const KEEP_FREE_BYTES = 64 * 1024 * 1024;
const COPY_BYTES = 256 * 1024;
/** `./usr/lib/vitrine/` in the package becomes the top of the release. */
const TREE_IN_PACKAGE = "./usr/lib/vitrine/";
const STRIPPED = TREE_IN_PACKAGE.split("/").length - 1;

/** Programs that unpack; tests put others in their place. */
interface UnpackPrograms {
  readonly dpkgDeb: string;
  readonly tar: string;
  readonly keepFreeBytes?: number;
}

const UNPACK_PROGRAMS: UnpackPrograms = { dpkgDeb: "dpkg-deb", tar: "tar" };

/** Unpacks with the machine's own programs; `keepFreeBytes`: space that an installation leaves free. */
export function unpackingWith(given: Partial<UnpackPrograms> = {}): Unpacking {
  const programs = { ...UNPACK_PROGRAMS, ...given };
  return {
    package: (from, artefact, tree) => unpackPackage(from, artefact, tree, programs),
    browser: (from, artefact, folder) => unpackBrowser(from, artefact, folder, programs),
    firstWrongFile,
    syncAll,
  };
}

/**
 * Unpacks the release in a downloaded package to `tree`. The file belongs to a user without rights, so it is copied first and hashed as
 * copied: what is unpacked is what was checked. Errors: `update.bad-package`, `update.disk-full`, `update.disk`.
 */
async function unpackPackage(from: string, { bytes, sha256 }: Artefact, tree: string, programs: UnpackPrograms): Promise<Result<void>> {
  return copied(from, { bytes, sha256 }, `${tree}.deb`, programs, async (copy) => {
    await mkdir(tree, { recursive: true, mode: 0o755 });
    return pipe([programs.dpkgDeb, "--fsys-tarfile", copy], [programs.tar, "-x", "-C", tree, "--no-same-owner", `--strip-components=${STRIPPED}`, TREE_IN_PACKAGE]);
  });
}

/** Unpacks a browser to `folder`. Errors as above. */
async function unpackBrowser(from: string, artefact: BrowserArtefact, folder: string, programs: UnpackPrograms): Promise<Result<void>> {
  return copied(from, artefact, `${folder}.tar`, programs, async (copy) => {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    return run([programs.tar, "-x", "-f", copy, "-C", folder, "--no-same-owner"]);
  });
}

/** The first file that is missing or has another hash. */
async function firstWrongFile(tree: string, files: Readonly<Record<string, string>>): Promise<string | undefined> {
  for (const [path, sha256] of Object.entries(files)) {
    const hash = createHash("sha256");
    try {
      for await (const chunk of createReadStream(join(tree, path))) hash.update(chunk as Buffer);
    } catch (thrown) {
      return `${path} (${messageOf(thrown)})`;
    }
    if (hash.digest("hex") !== sha256) return path;
  }
  return undefined;
}

/** Everything written so far to the file system of `folder` is on the disk. Error: `update.disk`. */
async function syncAll(folder: string): Promise<Result<void>> {
  const synced = await run(["sync", "-f", folder]);
  return synced.ok ? synced : fail("update.disk", `${folder} could not be written to the disk: ${synced.error.message}`);
}

async function copied(from: string, artefact: { readonly bytes: number; readonly sha256: string }, copy: string, { keepFreeBytes = KEEP_FREE_BYTES }: UnpackPrograms, use: (copy: string) => Promise<Result<void>>): Promise<Result<void>> {
  try {
    await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
    // Compressed files grow by about four on unpacking; what does not fit after all is found out while unpacking.
    const free = await freeBytes(dirname(copy));
    const neededBytes = artefact.bytes * 4;
    if (free < neededBytes + keepFreeBytes) return full(`the release needs about ${neededBytes} bytes; ${Math.max(0, free - keepFreeBytes)} are available`);
    const taken = await copyChecked(from, artefact, copy);
    if (!taken.ok) return taken;
    const used = await use(copy);
    if (used.ok) return used;
    return (await freeBytes(dirname(copy))) < 1024 * 1024 || /No space left/i.test(used.error.message) ? full(used.error.message) : used;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    return code === "ENOSPC" || code === "EDQUOT" ? full(messageOf(thrown)) : fail("update.disk", `the release could not be unpacked: ${messageOf(thrown)}`);
  } finally {
    await rm(copy, { force: true });
  }
}

function full(message: string): Result<never> {
  return fail("update.disk-full", `the disk is too full for the release: ${message}`, "free space on the device");
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function copyChecked(from: string, { bytes, sha256 }: { readonly bytes: number; readonly sha256: string }, to: string): Promise<Result<void>> {
  // A link would let the sender choose among root's files, and a pipe would hang.
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((thrown: unknown) => messageOf(thrown));
  if (typeof source === "string") return fail("update.bad-package", `the downloaded file cannot be opened: ${source}`);
  try {
    const stats = await source.stat();
    if (!stats.isFile() || stats.size !== bytes) return fail("update.bad-package", `${from} has ${stats.size} bytes; the manifest says ${bytes}`);
    const target = await open(to, "w", 0o600);
    try {
      const hash = createHash("sha256");
      const buffer = Buffer.alloc(COPY_BYTES);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await source.read(buffer, 0, COPY_BYTES, done);
        if (bytesRead === 0) break;
        const part = buffer.subarray(0, bytesRead);
        hash.update(part);
        await target.appendFile(part);
        done += bytesRead;
      }
      const found = hash.digest("hex");
      return found === sha256 ? ok(undefined) : fail("update.bad-package", `${from} has SHA-256 ${found}; the manifest says ${sha256}`);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

type Words = readonly [string, ...string[]];

async function run(words: Words): Promise<Result<void>> {
  return ended(words, start(words, "ignore", "ignore"));
}

/** Runs two programs, the first one's output into the second. Both must succeed; the second one's failure tells more. */
async function pipe(first: Words, second: Words): Promise<Result<void>> {
  const reader = start(second, "pipe", "ignore");
  const writer = start(first, "ignore", "pipe");
  const input = reader.child.stdin;
  if (input === null || writer.child.stdout === null) throw new Error("a pipe was asked for");
  // A reader that ends early is judged by its exit code.
  input.on("error", () => writer.child.stdout?.destroy());
  writer.child.stdout.pipe(input);
  const [read, written] = await Promise.all([ended(second, reader), ended(first, writer)]);
  return read.ok ? written : read;
}

interface Started {
  readonly child: ReturnType<typeof spawn>;
  readonly end: Promise<{ readonly code: number | null; readonly said: string }>;
}

function start([program, ...args]: Words, stdin: "ignore" | "pipe", stdout: "ignore" | "pipe"): Started {
  const child = spawn(program, args, { stdio: [stdin, stdout, "pipe"], env: { ...process.env, LC_ALL: "C.UTF-8", LANGUAGE: "" } });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-1000);
  });
  const end = new Promise<{ code: number | null; said: string }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, said: error.message }));
    child.once("close", (code) => resolve({ code, said }));
  });
  return { child, end };
}

async function ended([program]: Words, { end }: Started): Promise<Result<void>> {
  const { code, said } = await end;
  return code === 0 ? ok(undefined) : fail("update.bad-package", `${program} ended with ${code ?? "no code"}: ${said.trim().slice(-300)}`);
}
