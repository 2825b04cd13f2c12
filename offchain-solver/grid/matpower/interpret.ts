import { MatpowerError, numberOf, tokensOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";
import { combine, CONSTANTS, FUNCTIONS, isScalar, scalar } from "./values.ts";
import type { Matrix, Value } from "./values.ts";

/** A field of the case's structure; `lines`: where each row of a table stands. */
export type Field = { readonly value: Value; readonly lines: readonly number[] };

/** What a case file says once its trailing conversions are done. */
export type CaseData = { readonly name: string | undefined; readonly fields: ReadonlyMap<string, Field> };

/**
 * Reads a MATPOWER case without running MATLAB. Understood: tables of numbers, scalars and variables, the column names of
 * idx_bus, idx_brch and idx_gen, indexing by columns and rows, + - * / and powers by whole numbers, sqrt, abs, and sine,
 * cosine and tangent of an acos. Everything else is refused with its line rather than skipped: a line that is not
 * understood may be the one that converts a unit.
 */
export function interpret(source: string): CaseData {
  return new Interpreter(tokensOf(source)).run();
}

class Interpreter {
  private at = 0;
  private structure = "mpc";
  private readonly tokens: readonly Token[];
  private readonly fields = new Map<string, Field>();
  private readonly variables = new Map<string, Value>();

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  run(): CaseData {
    let name: string | undefined;
    for (;;) {
      while (this.takes("newline") || this.takes(";") || this.takes(",")) continue;
      if (this.token.kind === "end") return { name, fields: this.fields };
      if (this.token.text === "function") name = this.header();
      else if (this.token.text === "end" || this.token.text === "return") this.last();
      else this.statement();
    }
  }

  private get token(): Token {
    return this.tokens[this.at];
  }

  private takes(what: string): boolean {
    const { kind, text } = this.token;
    const found = what === "newline" ? kind === "newline" : text === what && kind !== "text";
    if (found) this.at++;
    return found;
  }

  private fail(reason: string, { line } = this.token): never {
    throw new MatpowerError(line, reason);
  }

  private expect(what: string): void {
    const { kind, text } = this.token;
    if (!this.takes(what))
      this.fail(`"${what}" was expected, not ${kind === "newline" ? "the line's end" : `"${text}"`}`);
  }

  private takeName(): string {
    const { kind, text } = this.token;
    if (kind !== "name") this.fail(`a name was expected, not ${JSON.stringify(text)}`);
    this.at++;
    return text;
  }

  private header(): string {
    this.at++;
    if (this.token.text === "[") this.fail("this is case format version 1; only version 2 can be read");
    this.structure = this.takeName();
    this.expect("=");
    const name = this.takeName();
    if (this.takes("(")) this.fail("a case that takes arguments cannot be read");
    return name;
  }

  /** `end` or `return` close the function; code after them is not part of it. */
  private last(): void {
    this.at++;
    while (this.takes("newline") || this.takes(";")) continue;
    if (this.token.kind !== "end") this.fail(`code after the end of the function is not understood`);
  }

  private statement(): void {
    if (this.takes("[")) return this.constants();
    const start = this.token;
    const name = this.takeName();
    if (name === "define_constants") {
      for (const list of CONSTANTS.values()) for (const [key, value] of list) this.variables.set(key, scalar(value));
      return this.endOfStatement();
    }
    if (/^(if|else|elseif|for|while|switch|try|end|global|persistent)$/.test(name))
      this.fail(`"${name}" is not understood; only assignments are`, start);
    const field = this.takes(".") ? this.takeName() : undefined;
    if (field !== undefined && name !== this.structure) this.fail(`${name} is not the case's structure`, start);
    if (this.takes("(")) {
      if (field === undefined) this.fail(`"${name}(" is not understood; only ${this.structure}.TABLE(...) is`, start);
      return this.assignCells(field, start);
    }
    if (!this.takes("=")) this.fail(`"${name}" is not understood; only assignments are`, start);
    if (field === undefined) this.variables.set(name, this.expression());
    else if (this.token.text === "{") this.skipCells();
    else this.fields.set(field, this.table());
    this.endOfStatement();
  }

  private endOfStatement(): void {
    if (!this.takes(";") && !this.takes("newline") && !this.takes(","))
      this.fail(`"${this.token.text}" is not understood here`);
  }

  /** [A, B, ...] = idx_bus: names in the order in which MATPOWER hands the numbers out. */
  private constants(): void {
    const names: string[] = [];
    while (!this.takes("]")) {
      const placeholder = this.takes("~");
      names.push(placeholder ? "~" : this.takeName());
      this.takes(",");
    }
    this.expect("=");
    const start = this.token;
    const list = CONSTANTS.get(this.takeName());
    if (list === undefined || names.length > list.length) this.fail(`"${start.text}" is not understood`, start);
    names.forEach((name, k) => this.variables.set(name, scalar(list[k][1])));
    this.endOfStatement();
  }

  /** Cell arrays hold names of buses and the like: no part of a feeder. */
  private skipCells(): void {
    const start = this.token;
    for (let depth = 0; ; this.at++) {
      if (this.token.kind === "end") this.fail("this { is never closed", start);
      if (this.token.text === "{") depth++;
      if (this.token.text === "}" && --depth === 0) break;
    }
    this.at++;
  }

  private table(): Field {
    const { text, line } = this.token;
    if (text !== "[") {
      const value = this.expression();
      return { value, lines: new Array<number>(value.kind === "matrix" ? value.rows : 1).fill(line) };
    }
    const lines: number[] = [];
    return { value: this.brackets(lines), lines };
  }

  /** Rows end with a semicolon or a line, elements are parted by blanks or commas. */
  private brackets(lines: number[] = []): Matrix {
    const start = this.token;
    this.expect("[");
    const rows: number[][] = [];
    let row: number[] = [];
    const close = (): void => {
      if (row.length > 0 && rows.length > 0 && row.length !== rows[0].length)
        this.fail(
          `this row has ${row.length} columns, the rows before have ${rows[0].length}`,
          this.tokens[this.at - 1],
        );
      if (row.length > 0) {
        rows.push(row);
        lines.push(this.tokens[this.at - 1].line);
      }
      row = [];
    };
    while (!this.takes("]")) {
      const { kind, text } = this.token;
      if (kind === "end" || text === "=" || text === this.structure) this.fail("this [ is never closed", start);
      if (this.takes(";") || this.takes("newline")) close();
      else if (!this.takes(",")) row.push(this.element());
    }
    close();
    return { kind: "matrix", rows: rows.length, columns: rows[0]?.length ?? 0, cells: rows.flat() };
  }

  private element(): number {
    const sign = this.takes("-") ? -1 : (this.takes("+"), 1);
    const { kind, text } = this.token;
    this.at++;
    const next = this.token;
    // Inside brackets "1 -2" are two elements and "1-2" or "1 - 2" one: the latter is refused, not guessed at.
    const glued = /^[-+]$/.test(next.text) && (!next.spaced || this.tokens[this.at + 1].spaced);
    if (glued || /^(\.?[*/^']|\(|\.|:)$/.test(next.text))
      this.fail(`"${text} ${next.text}" inside [ ] is not understood`);
    if (kind === "number") return sign * numberOf(text);
    if (/^(Inf|inf)$/.test(text)) return sign * Infinity;
    if (/^(NaN|nan)$/.test(text)) return NaN;
    const value = this.variables.get(text);
    if (kind !== "name" || value?.kind !== "matrix" || !isScalar(value))
      this.fail(`${JSON.stringify(text)} is not a number`, this.tokens[this.at - 1]);
    return sign * value.cells[0];
  }

  /** NAME.TABLE(rows, columns) = expression, after the opening parenthesis. */
  private assignCells(field: string, start: Token): void {
    const table = this.fieldMatrix(field, start);
    const picked = this.indices(table);
    this.expect("=");
    const value = this.expression();
    if (value.kind !== "matrix") this.fail(`${field} can only hold numbers`, start);
    const [rows, columns] = picked;
    if (!isScalar(value) && (value.rows !== rows.length || value.columns !== columns.length))
      this.fail(
        `${value.rows} x ${value.columns} numbers do not fit into ${rows.length} x ${columns.length} cells`,
        start,
      );
    const cells = [...table.cells];
    rows.forEach((row, i) =>
      columns.forEach((column, j) => {
        cells[row * table.columns + column] = isScalar(value) ? value.cells[0] : value.cells[i * columns.length + j];
      }),
    );
    this.fields.set(field, { value: { ...table, cells }, lines: this.fields.get(field)!.lines });
    this.endOfStatement();
  }

  private fieldMatrix(field: string, start: Token): Matrix {
    const value = this.fields.get(field)?.value;
    if (value?.kind !== "matrix") this.fail(`${this.structure}.${field} is not a table that was given before`, start);
    return value;
  }

  /** Rows and columns, from 0, of an index (rows, columns) up to and with its closing parenthesis. */
  private indices(table: Matrix): [rows: number[], columns: number[]] {
    const start = this.token;
    const rows = this.index(table.rows);
    if (!this.takes(",")) this.fail("an index must name rows and columns", start);
    const columns = this.index(table.columns);
    this.expect(")");
    return [rows, columns];
  }

  private index(size: number): number[] {
    const start = this.token;
    const all = (from: number, to: number): number[] =>
      Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k);
    let numbers: number[];
    if (this.takes(":")) numbers = all(1, size);
    else {
      const first = this.expression();
      if (first.kind !== "matrix") this.fail("this index is not a number", start);
      numbers = first.cells;
      if (this.takes(":")) {
        const to = this.expression();
        if (to.kind !== "matrix" || !isScalar(to) || !isScalar(first)) this.fail("this range is not understood", start);
        numbers = all(first.cells[0], to.cells[0]);
      }
    }
    const outside = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > size);
    if (outside !== undefined) this.fail(`the index ${outside} is outside 1 to ${size}`, start);
    return numbers.map((number) => number - 1);
  }

  /** Sums of products of powers, with MATLAB's precedence. */
  private expression(): Value {
    return this.chain(["+", "-"], () => this.chain(["*", "/", ".*", "./"], () => this.signed()));
  }

  private chain(signs: readonly string[], operand: () => Value): Value {
    let value = operand();
    for (;;) {
      const start = this.token;
      const sign = signs.find((text) => this.takes(text));
      if (sign === undefined) return value;
      value = this.combined(sign, value, operand(), start);
    }
  }

  private combined(sign: string, a: Value, b: Value, start: Token): Value {
    const result = a.kind === "matrix" && b.kind === "matrix" ? combine(sign, a, b) : undefined;
    if (result === undefined) this.fail(`"${sign}" between these operands is not understood`, start);
    return result;
  }

  private signed(): Value {
    const start = this.token;
    if (this.takes("+")) return this.signed();
    if (this.takes("-")) return this.combined("*", scalar(-1), this.signed(), start);
    return this.chain(["^", ".^"], () => this.primary());
  }

  private primary(): Value {
    const start = this.token;
    if (this.takes("(")) {
      const value = this.expression();
      this.expect(")");
      return this.notTransposed(value);
    }
    if (start.text === "[" && start.kind === "sign") return this.notTransposed(this.brackets());
    this.at++;
    if (start.kind === "number") return this.notTransposed(scalar(numberOf(start.text)));
    if (start.kind === "text") return { kind: "text", text: start.text.slice(1, -1) };
    if (start.kind !== "name") this.fail(`${JSON.stringify(start.text)} is not understood here`, start);
    return this.notTransposed(this.named(start));
  }

  private named(start: Token): Value {
    if (start.text === this.structure && this.takes(".")) {
      const field = this.takeName();
      if (!this.takes("("))
        return this.fields.get(field)?.value ?? this.fail(`${start.text}.${field} is not known`, start);
      const table = this.fieldMatrix(field, start);
      const [rows, columns] = this.indices(table);
      const cells = rows.flatMap((row) => columns.map((column) => table.cells[row * table.columns + column]));
      return { kind: "matrix", rows: rows.length, columns: columns.length, cells };
    }
    const variable = this.variables.get(start.text);
    if (variable !== undefined) return variable;
    const apply = FUNCTIONS.get(start.text);
    if (apply === undefined) this.fail(`"${start.text}" is not understood`, start);
    this.expect("(");
    const argument = this.expression();
    this.expect(")");
    return apply(argument) ?? this.fail(`${start.text}() of this argument is not understood`, start);
  }

  private notTransposed(value: Value): Value {
    if (this.token.text === "'" || this.token.text === ".'") this.fail("a transposed matrix is not understood");
    return value;
  }
}
