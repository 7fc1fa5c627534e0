const UTF_16_MARKS: readonly (readonly [mark: readonly number[], encoding: string])[] = [
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
  // Without a mark, but a JSON object begins with an ASCII character.
  [[0x7b, 0x00], "utf-16le"],
  [[0x00, 0x7b], "utf-16be"],
];
/** What to do about a character that cannot be read. */
export const SAVE_AS_UTF_8 = 'save it as "UTF-8" (in Windows Notepad: Save as, Encoding: UTF-8)';

/** The place of a byte that is no text, both counted from 1. */
export interface BadByte {
  readonly line: number;
  readonly column: number;
}

/**
 * The text of a file as a person's editor may have saved it: UTF-8 or UTF-16 (Windows Notepad's "Unicode"), with or without a byte order mark. A file without a
 * mark counts as UTF-16 where it begins as a JSON object would.
 */
export function readEditorText(bytes: Uint8Array): string | BadByte {
  const encoding = UTF_16_MARKS.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))?.[1] ?? "utf-8";
  try {
    // Leaves out a byte order mark.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return placeOfBadByte(bytes);
  }
}

function placeOfBadByte(bytes: Uint8Array): BadByte {
  const good = new TextDecoder("utf-8").decode(bytes).split("\uFFFD")[0] ?? "";
  const lines = good.split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}
