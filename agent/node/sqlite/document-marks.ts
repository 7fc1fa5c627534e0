import { MarkFile, readMark } from "./mark-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** How many writes the documents beside it have seen, in a file of its own: see `OutboxMarks`. */
export class DocumentMarks {
  readonly #file: MarkFile;

  private constructor(file: MarkFile) {
    this.#file = file;
  }

  /** Version of the newest write that was on disk, as far as the marks beside the database at `path` tell. */
  static read(path: string): number | undefined {
    const reading = readMark(pathBeside(path));
    const version = reading.kind === "found" ? reading.mark["version"] : undefined;
    return typeof version === "number" && Number.isSafeInteger(version) ? version : undefined;
  }

  /** Begins marking. `undefined` where the disk takes no such file. */
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

  /** Everything up to this version is on disk. To be called after its sync, and before anybody is told. */
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
