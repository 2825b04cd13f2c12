import type { Cursor } from "./cursor.ts";
import { numberOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";
import { combine, FUNCTIONS, isScalar, scalar } from "./values.ts";
import type { Matrix, Value } from "./values.ts";

/** A field of the case's structure; `lines`: where each row of a table stands. */
export type Field = { readonly value: Value; readonly lines: readonly number[] };

/** What the statements so far have given names to; `structure` is the name of the case itself, mostly mpc. */
export type Scope = { structure: string; readonly fields: Map<string, Field>; readonly variables: Map<string, Value> };

/** Computes expressions as it reads them: sums, products, powers, indexed tables, a few functions. */
export class Expressions {
  private readonly cursor: Cursor;
  private readonly scope: Scope;

  constructor(cursor: Cursor, scope: Scope) {
    this.cursor = cursor;
    this.scope = scope;
  }

  /** Rows end with a semicolon or a line, elements are parted by blanks or commas. */
  brackets(lines: number[] = []): Matrix {
    const start = this.cursor.token;
    this.cursor.expect("[");
    const rows: number[][] = [];
    let row: number[] = [];
    const close = (): void => {
      if (row.length > 0 && rows.length > 0 && row.length !== rows[0].length)
        this.cursor.fail(
          `this row has ${row.length} columns, the rows before have ${rows[0].length}`,
          this.cursor.last,
        );
      if (row.length > 0) {
        rows.push(row);
        lines.push(this.cursor.last.line);
      }
      row = [];
    };
    while (!this.cursor.takes("]")) {
      const { kind, text } = this.cursor.token;
      if (kind === "end" || text === "=" || text === this.scope.structure)
        this.cursor.fail("this [ is never closed", start);
      if (this.cursor.takes(";") || this.cursor.takes("newline")) close();
      else if (!this.cursor.takes(",")) row.push(this.element());
    }
    close();
    return { kind: "matrix", rows: rows.length, columns: rows[0]?.length ?? 0, cells: rows.flat() };
  }

  private element(): number {
    const sign = this.cursor.takes("-") ? -1 : (this.cursor.takes("+"), 1);
    const { kind, text } = this.cursor.take();
    const next = this.cursor.token;
    // Inside brackets "1 -2" are two elements and "1-2" or "1 - 2" one: the latter is refused, not guessed at.
    const glued = /^[-+]$/.test(next.text) && (!next.spaced || this.cursor.next.spaced);
    if (glued || /^(\.?[*/^']|\(|\.|:)$/.test(next.text))
      this.cursor.fail(`"${text} ${next.text}" inside [ ] is not understood`);
    if (kind === "number") return sign * numberOf(text);
    if (/^(Inf|inf)$/.test(text)) return sign * Infinity;
    if (/^(NaN|nan)$/.test(text)) return NaN;
    const value = this.scope.variables.get(text);
    if (kind !== "name" || value?.kind !== "matrix" || !isScalar(value))
      this.cursor.fail(`${JSON.stringify(text)} is not a number`, this.cursor.last);
    return sign * value.cells[0];
  }

  fieldMatrix(field: string, start: Token): Matrix {
    const value = this.scope.fields.get(field)?.value;
    if (value?.kind !== "matrix")
      this.cursor.fail(`${this.scope.structure}.${field} is not a table that was given before`, start);
    return value;
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
    const all = (from: number, to: number): number[] =>
      Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k);
    let numbers: number[];
    if (this.cursor.takes(":")) numbers = all(1, size);
    else {
      const first = this.expression();
      if (first.kind !== "matrix") this.cursor.fail("this index is not a number", start);
      numbers = first.cells;
      if (this.cursor.takes(":")) {
        const to = this.expression();
        if (to.kind !== "matrix" || !isScalar(to) || !isScalar(first))
          this.cursor.fail("this range is not understood", start);
        numbers = all(first.cells[0], to.cells[0]);
      }
    }
    const outside = numbers.find((number) => !Number.isInteger(number) || number < 1 || number > size);
    if (outside !== undefined) this.cursor.fail(`the index ${outside} is outside 1 to ${size}`, start);
    return numbers.map((number) => number - 1);
  }

  /** Sums of products of powers, with MATLAB's precedence. */
  expression(): Value {
    return this.chain(["+", "-"], () => this.chain(["*", "/", ".*", "./"], () => this.signed()));
  }

  private chain(signs: readonly string[], operand: () => Value): Value {
    let value = operand();
    for (;;) {
      const start = this.cursor.token;
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
    if (this.cursor.takes("+")) return this.signed();
    if (this.cursor.takes("-")) return this.combined("*", scalar(-1), this.signed(), start);
    return this.chain(["^", ".^"], () => this.primary());
  }

  private primary(): Value {
    const start = this.cursor.token;
    if (this.cursor.takes("(")) {
      const value = this.expression();
      this.cursor.expect(")");
      return this.notTransposed(value);
    }
    if (start.text === "[" && start.kind === "sign") return this.notTransposed(this.brackets());
    this.cursor.take();
    if (start.kind === "number") return this.notTransposed(scalar(numberOf(start.text)));
    if (start.kind === "text") return { kind: "text", text: start.text.slice(1, -1) };
    if (start.kind !== "name") this.cursor.fail(`${JSON.stringify(start.text)} is not understood here`, start);
    return this.notTransposed(this.named(start));
  }

  private named(start: Token): Value {
    if (start.text === this.scope.structure && this.cursor.takes(".")) {
      const field = this.cursor.takeName();
      if (!this.cursor.takes("("))
        return this.scope.fields.get(field)?.value ?? this.cursor.fail(`${start.text}.${field} is not known`, start);
      const table = this.fieldMatrix(field, start);
      const [rows, columns] = this.indices(table);
      const cells = rows.flatMap((row) => columns.map((column) => table.cells[row * table.columns + column]));
      return { kind: "matrix", rows: rows.length, columns: columns.length, cells };
    }
    const variable = this.scope.variables.get(start.text);
    if (variable !== undefined) return variable;
    const apply = FUNCTIONS.get(start.text);
    if (apply === undefined) this.cursor.fail(`"${start.text}" is not understood`, start);
    this.cursor.expect("(");
    const argument = this.expression();
    this.cursor.expect(")");
    return apply(argument) ?? this.cursor.fail(`${start.text}() of this argument is not understood`, start);
  }

  private notTransposed(value: Value): Value {
    if (this.cursor.token.text === "'" || this.cursor.token.text === ".'")
      this.cursor.fail("a transposed matrix is not understood");
    return value;
  }
}
