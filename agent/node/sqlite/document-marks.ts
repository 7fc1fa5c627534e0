import { MarkFile, readMark } from "./mark-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** High-water mark of the documents' versions in a file of its own; see `OutboxMarks`. */
export class DocumentMarks {
  readonly #file: MarkFile;

  private constructor(file: MarkFile) {
    this.#file = file;
  }

  /** Newest version known to be on disk, according to the marks beside the database at `path`; `undefined` without readable marks. */
  static read(path: string): number | undefined {
    const reading = readMark(pathBeside(path));
    const version = reading.kind === "found" ? reading.mark["version"] : undefined;
    return typeof version === "number" && Number.isSafeInteger(version) ? version : undefined;
  }

  /** Starts marking. `undefined` when the disk does not take the file. */
  static open(path: string, version: number): DocumentMarks | undefined {
    try {
      const marks = new DocumentMarks(new MarkFile(pathBeside(path)));
      marks.note(version);
      return marks;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return undefined;
    }
  }

  /** Records that everything up to this version is on disk. Call after the sync and before confirming the write. */
  note(version: number): void {
    this.#file.write({ version });
  }

  close(): void {
    this.#file.close();
  }
}

function pathBeside(path: string): string {
  return `${path}.marks`;
}
