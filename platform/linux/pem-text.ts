/** What a PEM file of a certificate holds. */
export type PemKind = "CERTIFICATE" | "PRIVATE KEY";

/** A mistake in a PEM file; `line` counts from 1. Contains nothing of the file's content. */
export interface PemFault {
  readonly line: number;
  readonly words: string;
}

/** Text as an editor may have saved it: UTF-8 or UTF-16, without the byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** The first mistake in the form of a PEM file; `undefined`: only its content can be wrong. */
export function pemFault(text: string, kind: PemKind): PemFault | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  if (text.trim() === "") return { line: 1, words: "the file is empty" };
  // DER: an ASN.1 sequence.
  if (text.startsWith("0") && [...text.slice(0, 64)].some((each) => each < "\t" || each === "\uFFFD")) return { line: 1, words: "this is the binary form (DER), not PEM" };
  const begins = lines.findIndex((line) => line.startsWith("-----BEGIN "));
  if (begins < 0) return { line: 1, words: `this is no PEM: there is no line -----BEGIN ${kind}-----` };
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/.exec(lines[begins] ?? "")?.[1];
  if (label === undefined) return { line: begins + 1, words: `this line is not -----BEGIN ${kind}-----` };
  if (!label.endsWith(kind)) return { line: begins + 1, words: `this is a ${label}, and a ${kind} belongs here` };
  const ends = lines.findIndex((line, at) => at > begins && line.startsWith(`-----END ${label}-----`));
  if (ends < 0) return { line: text.trimEnd().split(/\r\n|\r|\n/).length, words: `the file ends without a line -----END ${label}-----` };
  // "Proc-Type: 4,ENCRYPTED" and an empty line come first in keys of an older form.
  const bad = lines.findIndex((line, at) => at > begins && at < ends && !/^(?:[A-Za-z0-9+/=\s]*|[A-Za-z-]+: .*)$/.test(line));
  return bad < 0 ? undefined : { line: bad + 1, words: "this line holds characters that PEM has not" };
}

/** Line of the first block, counted from 1. */
export function pemLine(text: string): number {
  return text.split(/\r\n|\r|\n/).findIndex((line) => line.startsWith("-----BEGIN ")) + 1;
}
