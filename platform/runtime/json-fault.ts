/** The first place where a text is not JSON. Line and column count from 1, in characters as an editor counts them. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  /** What is wrong there, as the end of a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Nesting beyond this is reported as a fault, so that a hostile text cannot exhaust the stack. */
const DEPTH_MAX = 200;
const WORDS = ["true", "false", "null"];
const CURLY = /[“”„‟«»‘’‚‛]/;

class Fault extends Error {
  readonly at: number;
  readonly hint: string;

  constructor(at: number, message: string, hint: string) {
    super(message);
    this.at = at;
    this.hint = hint;
  }
}

/**
 * Finds why a text that a person wrote is not JSON: the usual slips (a comma too many, curly quotes, a missing bracket) have
 * their own words. `undefined` when it is JSON.
 */
export function jsonFault(text: string): JsonFault | undefined {
  try {
    new Reader(text).document();
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const before = text.slice(0, thrown.at).split(/\r\n|\r|\n/);
    return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1, message: thrown.message, hint: thrown.hint };
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw new Fault(this.#at, `there is ${this.#shown()} after the end`, "remove what follows the last bracket");
  }

  #value(depth: number): void {
    this.#space();
    const first = this.#peek();
    if (depth > DEPTH_MAX) throw new Fault(this.#at, "the brackets are nested too deeply", "remove some levels");
    if (first === "{") this.#list("}", () => this.#member(depth));
    else if (first === "[") this.#list("]", () => this.#value(depth + 1));
    else if (first === '"') this.#string();
    else if (/[-\d]/.test(first)) this.#number();
    else this.#word();
  }

  #list(close: "}" | "]", item: () => void): void {
    const opened = this.#at;
    this.#at += 1;
    this.#space();
    if (this.#took(close)) return;
    for (;;) {
      item();
      this.#space();
      if (this.#took(close)) return;
      const comma = this.#at;
      if (this.#at >= this.#text.length) throw new Fault(this.#at, `the text ends, but the ${this.#text.charAt(opened)} of line ${this.#lineOf(opened)} is still open`, `add the missing ${close}`);
      if (!this.#took(",")) {
        const other = close === "}" ? "]" : "}";
        if (this.#peek() === other) throw new Fault(this.#at, `${close} is expected, not ${other}`, `close the ${this.#text.charAt(opened)} of line ${this.#lineOf(opened)} with ${close}`);
        throw new Fault(this.#at, `a comma is missing before ${this.#shown()}`, "put a comma after the value before it");
      }
      this.#space();
      if (this.#peek() === close) throw new Fault(comma, "there is a comma after the last entry", "remove this comma");
    }
  }

  #member(depth: number): void {
    this.#space();
    if (this.#peek() !== '"') this.#notAName();
    this.#string();
    this.#space();
    if (!this.#took(":")) throw new Fault(this.#at, `a colon is expected, not ${this.#shown()}`, 'write "name": value');
    this.#value(depth + 1);
  }

  #notAName(): never {
    const shown = this.#shown();
    this.#quotes();
    if (this.#at >= this.#text.length) throw new Fault(this.#at, "the text ends too early", "add the missing }");
    if (this.#peek() === ",") throw new Fault(this.#at, "there is a comma too many", "remove this comma");
    throw new Fault(this.#at, `a name in quotes is expected, not ${shown}`, 'put names into straight double quotes: "name": value');
  }

  /** Other programs' quotes are the commonest slip: word processors and phones make them curly. */
  #quotes(): void {
    const first = this.#peek();
    if (CURLY.test(first)) throw new Fault(this.#at, `${first} is a curly quote`, 'use straight double quotes (") and a plain text editor');
    if (first === "'") throw new Fault(this.#at, "this is a single quote", 'use straight double quotes (")');
    if (first === "/" || first === "#") throw new Fault(this.#at, "JSON has no comments", "remove the comment");
  }

  #string(): void {
    const opened = this.#at;
    this.#at += 1;
    for (;;) {
      const letter = this.#peek();
      if (letter === '"') break;
      if (letter === "" || letter === "\n" || letter === "\r") throw new Fault(opened, "the quote that opens here is not closed on its line", 'add the closing "');
      if (letter < " ") throw new Fault(this.#at, letter === "\t" ? "there is a tab inside quotes" : "there is a control character inside quotes", letter === "\t" ? "write \\t, or a space" : "remove it");
      if (letter === "\\") this.#escape();
      else this.#at += 1;
    }
    this.#at += 1;
  }

  #escape(): void {
    const escape = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(this.#text.slice(this.#at, this.#at + 6));
    if (escape === null) throw new Fault(this.#at, "a backslash has a meaning of its own in JSON", "write it twice: \\\\");
    this.#at += escape[0].length;
  }

  #number(): void {
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(this.#text.slice(this.#at));
    const length = number === null ? 0 : number[0].length;
    if (length === 0 || /[\w.+-]/.test(this.#text.charAt(this.#at + length))) throw new Fault(this.#at, "this is not a number", "put texts such as addresses into straight double quotes");
    this.#at += length;
  }

  #word(): void {
    const word = WORDS.find((each) => this.#text.startsWith(each, this.#at));
    if (word !== undefined && !/\w/.test(this.#text.charAt(this.#at + word.length))) {
      this.#at += word.length;
      return;
    }
    this.#quotes();
    if (this.#at >= this.#text.length) throw new Fault(this.#at, "the text ends too early", "a value is missing");
    if (this.#peek() === ",") throw new Fault(this.#at, "there is a comma too many", "remove this comma");
    throw new Fault(this.#at, `a value is expected, not ${this.#shown()}`, "put texts into straight double quotes; true, false, null and numbers stand alone");
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#peek())) this.#at += 1;
  }

  #took(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at += 1;
    return true;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #shown(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return "the end of the text";
    const isVisible = code > 0x20 && (code < 0x7f || code > 0xa0);
    return isVisible ? String.fromCodePoint(code) : `the invisible character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  }

  #lineOf(at: number): number {
    return this.#text.slice(0, at).split(/\r\n|\r|\n/).length;
  }
}
