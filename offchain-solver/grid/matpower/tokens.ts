/** A case that cannot be imported: the line it is about (from 1) and the reason. */
export class MatpowerError extends Error {
  override readonly name = "MatpowerError";
  readonly line: number;
  constructor(line: number, reason: string) {
    super(`line ${line}: ${reason}`);
    this.line = line;
  }
}

/**
 * `spaced`: white space came before, which separates elements inside brackets. A line's end is a token: it ends rows.
 */
export type Token = {
  readonly kind: "number" | "name" | "text" | "sign" | "newline" | "end";
  readonly text: string;
  readonly line: number;
  readonly spaced: boolean;
};

// The point of `2.*x` belongs to the operator, the points of `2...` to the continuation.
const NUMBER = /(?:\d+(?:\.(?![*/^']|\.\.)\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?/y;
const NAME = /[A-Za-z]\w*/y;
const SIGN = /\.\*|\.\/|\.\^|\.'|[=~<>]=|&&|\|\||[-+*/^=()[\]{},;:.~<>&|'\\@!]/y;
const TEXT = /'(?:[^'\n]|'')*'|"(?:[^"\n]|"")*"/y;

/**
 * Empties block comments, which nest: `%{` and `%}` each alone on a line. Throws MatpowerError when one is never
 * closed.
 */
function withoutBlockComments(text: string): string {
  const open: number[] = [];
  const lines = text.split("\n").map((line, k) => {
    const mark = line.trim();
    if (mark === "%{") open.push(k + 1);
    const comment = open.length > 0;
    if (mark === "%}") open.pop();
    return comment ? "" : line;
  });
  if (open.length > 0) throw new MatpowerError(open[0], "this block comment %{ is never closed");
  return lines.join("\n");
}

/** Cuts MATLAB text into tokens; comments (`%`, `%{ %}`) and continuations (`...`) are gone, lines stay counted. */
export function tokensOf(source: string): Token[] {
  const text = withoutBlockComments(source.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n"));
  const tokens: Token[] = [];
  let [at, line, spaced] = [0, 1, false];
  const add = (kind: Token["kind"], length: number): void => {
    tokens.push({ kind, text: text.slice(at, at + length), line, spaced });
    at += length;
    spaced = false;
  };
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length ?? 0;
  };
  // A quote after a value transposes it; elsewhere it opens a text.
  const afterValue = (): boolean => {
    const last = tokens.at(-1);
    return (
      !spaced && last !== undefined && (last.kind === "number" || last.kind === "name" || /^[)\]}']$/.test(last.text))
    );
  };
  while (at < text.length) {
    const character = text[at];
    if (character === "\n") {
      add("newline", 1);
      line++;
    } else if (/\s/.test(character)) {
      at++;
      spaced = true;
    } else if (character === "%") {
      while (at < text.length && text[at] !== "\n") at++;
    } else if (text.startsWith("...", at)) {
      while (at < text.length && text[at] !== "\n") at++;
      if (at++ < text.length) line++;
      spaced = true;
    } else if ((character === "'" && !afterValue()) || character === '"') {
      const length = match(TEXT);
      if (length === 0) throw new MatpowerError(line, "a text is not closed on its line");
      add("text", length);
    } else {
      const number = match(NUMBER);
      const name = number > 0 ? 0 : match(NAME);
      const sign = number > 0 || name > 0 ? 0 : match(SIGN);
      if (number + name + sign === 0)
        throw new MatpowerError(line, `the character ${JSON.stringify(character)} is not understood`);
      // "1.2.3" and "12kV" would fall apart into two elements of a row.
      if (number > 0 && /[\w.]/.test(text[at + number] ?? "") && !/^\.(?:[*/^']|\.\.)/.test(text.slice(at + number)))
        throw new MatpowerError(line, `${JSON.stringify(/[\w.]+/.exec(text.slice(at))![0])} is not a number`);
      add(number > 0 ? "number" : name > 0 ? "name" : "sign", number + name + sign);
    }
  }
  tokens.push({ kind: "newline", text: "\n", line, spaced: false }, { kind: "end", text: "", line, spaced: false });
  return tokens;
}

/** A MATLAB number; 1d3 is 1e3. */
export const numberOf = (text: string): number => Number(text.replace(/[dD]/, "e"));
