import { bracketRows } from "./brackets.ts";
import type { Cursor } from "./cursor.ts";
import { numberOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";
import { combine, FUNCTIONS, isScalar, NAMED_NUMBERS, scalar } from "./values.ts";
import type { Matrix, Value } from "./values.ts";

/** A field of the case's structure, or a variable; `lines`: where each row of a table stands. */
export type Field = { readonly value: Value; readonly lines: readonly number[] };

/** What the statements so far have given names to; `structure` is the name of the case itself, mostly mpc. */
export type Scope = { structure: string; readonly fields: Map<string, Field>; readonly variables: Map<string, Field> };

/** Nobody nests deeper by hand; without a bound a file of parentheses would exhaust the stack. */
const DEEPEST = 64;
/** Cells of one table: thousands of buses, and still an end to a table that is joined to itself again and again. */
const MOST_CELLS = 1_000_000;

/** Computes expressions as it reads them: sums, products, powers, tables and their cells, a few functions. */
export class Expressions {
  readonly cursor: Cursor;
  readonly scope: Scope;
  /** Inside [ ], and in no ( ) inside them, blanks part elements. */
  private bracketed = false;
  private depth = 0;
  /** What `end` means in the index that is being read. */
  private readonly ends: number[] = [];
  /** Lines of the rows of the last [ ] that was closed. */
  bracketLines: readonly number[] = [];

  constructor(cursor: Cursor, scope: Scope) {
    this.cursor = cursor;
    this.scope = scope;
  }

  /** A value, and the line of each of its rows. */
  table(): Field {
    const { line } = this.cursor.token;
    this.bracketLines = [];
    const value = this.expression();
    const rows = value.kind === "matrix" ? value.rows : 1;
    return { value, lines: this.bracketLines.length === rows ? this.bracketLines : new Array<number>(rows).fill(line) };
  }

  /** Sums of products of powers, with MATLAB's precedence. */
  expression(): Value {
    return this.deeper(() => this.chain(["+", "-"], () => this.chain(["*", "/", ".*", "./"], () => this.signed())));
  }

  /** An expression between [ ]: `1 -2` are two elements there, `1 - 2` and `1-2` one. */
  element(): Matrix {
    const start = this.cursor.token;
    const first = this.inside(true, () => this.expression());
    if (first.kind !== "matrix") this.cursor.fail(`${start.text} is not a number`, start);
    if (!this.cursor.takes(":")) return first;
    const last = this.inside(true, () => this.expression());
    const numbers = this.range(first, last, MOST_CELLS, start);
    return { kind: "matrix", rows: 1, columns: numbers.length, cells: numbers };
  }

  private inside<T>(bracketed: boolean, read: () => T): T {
    const before = this.bracketed;
    this.bracketed = bracketed;
    const value = read();
    this.bracketed = before;
    return value;
  }

  private deeper(read: () => Value): Value {
    if (++this.depth > DEEPEST)
      this.cursor.fail(`more than ${DEEPEST} levels of brackets and signs are not understood`);
    const start = this.cursor.token;
    const value = read();
    this.depth--;
    if (value.kind === "matrix" && value.cells.length > MOST_CELLS)
      this.cursor.fail(`a table of more than ${MOST_CELLS} numbers is not understood`, start);
    return value;
  }

  /** In brackets a sign after a blank and right before its operand opens the next element. */
  private opensElement(): boolean {
    const { text, spaced } = this.cursor.token;
    return this.bracketed && spaced && (text === "+" || text === "-") && !this.cursor.next.spaced;
  }

  private chain(signs: readonly string[], operand: () => Value): Value {
    let value = operand();
    for (;;) {
      const start = this.cursor.token;
      if (this.opensElement()) return value;
      const sign = signs.find((text) => this.cursor.takes(text));
      if (sign === undefined) return value;
      value = this.combined(sign, value, operand(), start);
    }
  }

  private combined(sign: string, a: Value, b: Value, start: Token): Value {
    const result = a.kind === "matrix" && b.kind === "matrix" ? combine(sign, a, b) : undefined;
    if (result === undefined) this.cursor.fail(`"${sign}" between these operands is not understood`, start);
    return result;
  }

  private signed(): Value {
    const start = this.cursor.token;
    if (this.cursor.takes("+")) return this.deeper(() => this.signed());
    if (this.cursor.takes("-"))
      return this.combined(
        "*",
        scalar(-1),
        this.deeper(() => this.signed()),
        start,
      );
    return this.power();
  }

  /** Powers from the left; an exponent may have a sign of its own: 10^-3. */
  private power(): Value {
    let value = this.primary();
    for (;;) {
      const start = this.cursor.token;
      const sign = ["^", ".^"].find((text) => this.cursor.takes(text));
      if (sign === undefined) return value;
      const minus = this.cursor.takes("-");
      if (!minus) this.cursor.takes("+");
      const exponent = this.primary();
      value = this.combined(sign, value, minus ? this.combined("*", scalar(-1), exponent, start) : exponent, start);
    }
  }

  private primary(): Value {
    const start = this.cursor.token;
    if (this.cursor.takes("(")) {
      const value = this.inside(false, () => this.expression());
      this.cursor.expect(")");
      return this.notTransposed(value);
    }
    if (start.text === "[" && start.kind === "sign") {
      const { matrix, lines } = this.inside(false, () => bracketRows(this));
      this.bracketLines = lines;
      return this.notTransposed(matrix);
    }
    this.cursor.take();
    if (start.kind === "number") return this.notTransposed(scalar(numberOf(start.text)));
    if (start.kind === "text") return { kind: "text", text: start.text.slice(1, -1) };
    if (start.kind === "newline" || start.kind === "end")
      this.cursor.fail("a value was expected, not the line's end", start);
    if (start.kind !== "name") this.cursor.fail(`${JSON.stringify(start.text)} is not understood here`, start);
    return this.notTransposed(this.named(start));
  }

  private named(start: Token): Value {
    if (start.text === "end" && this.ends.length > 0) return scalar(this.ends.at(-1)!);
    if (start.text === this.scope.structure && this.cursor.takes(".")) {
      const field = this.cursor.takeName();
      const known = this.scope.fields.get(field);
      if (known === undefined) this.cursor.fail(`${start.text}.${field} is not known`, start);
      return this.cellsOf(known, `${start.text}.${field}`, start);
    }
    const variable = this.scope.variables.get(start.text);
    if (variable !== undefined) return this.cellsOf(variable, start.text, start);
    const number = NAMED_NUMBERS.get(start.text);
    if (number !== undefined) return scalar(number);
    const apply = FUNCTIONS.get(start.text);
    if (apply === undefined) this.cursor.fail(`"${start.text}" is not understood`, start);
    this.cursor.expect("(");
    const argument = this.inside(false, () => this.expression());
    this.cursor.expect(")");
    return apply(argument) ?? this.cursor.fail(`${start.text}() of this argument is not understood`, start);
  }

  /** The whole of a table, or the cells that an index right after its name picks. */
  private cellsOf({ value, lines }: Field, name: string, start: Token): Value {
    const { text, spaced } = this.cursor.token;
    if (text !== "(" || (this.bracketed && spaced)) {
      this.bracketLines = lines;
      return value;
    }
    this.cursor.take();
    if (value.kind !== "matrix") this.cursor.fail(`${name} is no table`, start);
    const [rows, columns] = this.indices(value);
    const cells = rows.flatMap((row) => columns.map((column) => value.cells[row * value.columns + column]));
    return { kind: "matrix", rows: rows.length, columns: columns.length, cells };
  }

  /** Rows and columns, from 0, of an index (rows, columns) up to and with its closing parenthesis. */
  indices(table: Matrix): [rows: number[], columns: number[]] {
    const start = this.cursor.token;
    const rows = this.index(table.rows);
    if (!this.cursor.takes(",")) this.cursor.fail("an index must name rows and columns", start);
    const columns = this.index(table.columns);
    this.cursor.expect(")");
    return [rows, columns];
  }

  private index(size: number): number[] {
    const start = this.cursor.token;
    if (this.cursor.takes(":")) return Array.from({ length: size }, (_, k) => k);
    this.ends.push(size);
    const first = this.inside(false, () => this.expression());
    if (first.kind !== "matrix") this.cursor.fail("this index is not a number", start);
    let numbers = first.cells;
    if (this.cursor.takes(":")) {
      const last = this.inside(false, () => this.expression());
      numbers = this.range(first, last, size, start);
    }
    this.ends.pop();
    const outside = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > size);
    if (outside !== undefined) this.cursor.fail(`the index ${outside} is outside 1 to ${size}`, start);
    return numbers.map((number) => number - 1);
  }

  /** first:last, both whole numbers up to `most`. */
  private range(first: Value, last: Value, most: number, start: Token): number[] {
    const bounds = [first, last].map((value) => (value.kind === "matrix" && isScalar(value) ? value.cells[0] : NaN));
    const [from, to] = bounds;
    if (!bounds.every(Number.isInteger)) this.cursor.fail("this range is not understood", start);
    const outside = bounds.find((bound) => Math.abs(bound) > most);
    if (outside !== undefined) this.cursor.fail(`the index ${outside} is outside 1 to ${most}`, start);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k);
  }

  private notTransposed(value: Value): Value {
    const { text, spaced } = this.cursor.token;
    if ((text === "'" || text === ".'") && !(this.bracketed && spaced))
      this.cursor.fail("a transposed matrix is not understood");
    return value;
  }
}
