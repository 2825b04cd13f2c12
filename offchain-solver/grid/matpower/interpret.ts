import { Cursor } from "./cursor.ts";
import { Expressions } from "./expressions.ts";
import type { Field, Scope } from "./expressions.ts";
import type { Token } from "./tokens.ts";
import { CONSTANTS, isScalar, scalar } from "./values.ts";

/** What a case file says once its trailing conversions are done. */
export type CaseData = {
  readonly name: string | undefined;
  readonly fields: ReadonlyMap<string, Field>;
  /** Names and lines of cell arrays, which hold texts and are not read. */
  readonly cells: ReadonlyMap<string, number>;
};

/**
 * Reads a MATPOWER case without running MATLAB. Understood: tables of numbers and expressions, scalars and variables,
 * the column names of idx_bus, idx_brch and idx_gen, indexing by columns and rows, + - * / and powers by whole numbers
 * and halves, sqrt, abs, and sine, cosine and tangent of an acos. Everything else is refused with its line rather than
 * skipped: a line that is not understood may be the one that converts a unit.
 */
export function interpret(source: string): CaseData {
  return new Statements(new Cursor(source)).run();
}

class Statements {
  private readonly cursor: Cursor;
  private readonly scope: Scope = { structure: "mpc", fields: new Map(), variables: new Map() };
  private readonly expressions: Expressions;
  private readonly cells = new Map<string, number>();

  constructor(cursor: Cursor) {
    this.cursor = cursor;
    this.expressions = new Expressions(cursor, this.scope);
  }

  run(): CaseData {
    let name: string | undefined;
    for (;;) {
      while (this.cursor.takes("newline") || this.cursor.takes(";") || this.cursor.takes(",")) continue;
      if (this.cursor.token.kind === "end") return { name, fields: this.scope.fields, cells: this.cells };
      if (this.cursor.token.text === "function" && name === undefined) name = this.header();
      else if (/^(end|endfunction|return)$/.test(this.cursor.token.text)) this.last();
      else this.statement();
    }
  }

  private header(): string {
    this.cursor.take();
    const bracket = this.cursor.takes("[");
    this.scope.structure = this.cursor.takeName();
    if (bracket && !this.cursor.takes("]"))
      this.cursor.fail("this is case format version 1; only version 2 can be read");
    this.cursor.expect("=");
    const name = this.cursor.takeName();
    if (this.cursor.takes("(") && !this.cursor.takes(")"))
      this.cursor.fail("a case that takes arguments cannot be read");
    return name;
  }

  private define(name: string, value: number, line: number): void {
    this.scope.variables.set(name, { value: scalar(value), lines: [line] });
  }

  /** `end` or `return` close the function; code after them is not part of it. */
  private last(): void {
    this.cursor.take();
    while (["newline", ";", "end", "endfunction"].some((text) => this.cursor.takes(text))) continue;
    if (this.cursor.token.kind !== "end") this.cursor.fail("code after the end of the function is not understood");
  }

  private statement(): void {
    if (this.cursor.takes("[")) return this.constants();
    const start = this.cursor.token;
    const name = this.cursor.takeName();
    if (name === "define_constants") {
      for (const list of CONSTANTS.values()) for (const [key, value] of list) this.define(key, value, start.line);
      return this.endOfStatement();
    }
    if (/^(if|else|elseif|for|while|switch|try|end|global|persistent|function)$/.test(name))
      this.cursor.fail(`"${name}" is not understood; only assignments are`, start);
    const field = this.cursor.takes(".") ? this.cursor.takeName() : undefined;
    if (field !== undefined && name !== this.scope.structure)
      this.cursor.fail(`${name} is not the case's structure`, start);
    const table = field === undefined ? name : `${name}.${field}`;
    const names = field === undefined ? this.scope.variables : this.scope.fields;
    if (this.cursor.takes("(")) return this.assignCells(names, field ?? name, table, start);
    if (!this.cursor.takes("=")) this.cursor.fail(`"${table}" is not understood; only assignments are`, start);
    if (field === undefined && name === this.scope.structure)
      this.cursor.fail(`"${name} =" is not understood; only ${name}.TABLE = ... is`, start);
    if (this.cursor.token.text === "{") {
      this.skipCells();
      if (field !== undefined) this.cells.set(field, start.line);
    } else names.set(field ?? name, this.expressions.table());
    this.endOfStatement();
  }

  private endOfStatement(): void {
    if (!this.cursor.takes(";") && !this.cursor.takes("newline") && !this.cursor.takes(","))
      this.cursor.fail(`"${this.cursor.token.text}" is not understood here`);
  }

  /** [A, B, ...] = idx_bus: names in the order in which MATPOWER hands the numbers out. */
  private constants(): void {
    const names: string[] = [];
    while (!this.cursor.takes("]")) {
      const placeholder = this.cursor.takes("~");
      names.push(placeholder ? "~" : this.cursor.takeName());
      this.cursor.takes(",");
    }
    this.cursor.expect("=");
    const start = this.cursor.token;
    const list = CONSTANTS.get(this.cursor.takeName());
    if (list === undefined || names.length > list.length) this.cursor.fail(`"${start.text}" is not understood`, start);
    names.forEach((name, k) => this.define(name, list[k][1], start.line));
    this.endOfStatement();
  }

  /** Cell arrays hold names of buses and the like: no part of a feeder. */
  private skipCells(): void {
    const start = this.cursor.token;
    for (let depth = 0; ; this.cursor.take()) {
      if (this.cursor.token.kind === "end") this.cursor.fail("this { is never closed", start);
      if (this.cursor.token.text === "{") depth++;
      if (this.cursor.token.text === "}" && --depth === 0) break;
    }
    this.cursor.take();
  }

  /** TABLE(rows, columns) = expression, after the opening parenthesis. */
  private assignCells(names: Map<string, Field>, key: string, name: string, start: Token): void {
    const before = names.get(key);
    if (before?.value.kind !== "matrix")
      this.cursor.fail(`"${name}(" is not understood: ${name} is not a table that was given before`, start);
    const { value: table, lines } = before;
    const picked = this.expressions.indices(table);
    this.cursor.expect("=");
    const value = this.expressions.expression();
    if (value.kind !== "matrix") this.cursor.fail(`${name} can only hold numbers`, start);
    const [rows, columns] = picked;
    if (!isScalar(value) && (value.rows !== rows.length || value.columns !== columns.length))
      this.cursor.fail(
        `${value.rows} x ${value.columns} numbers do not fit into ${rows.length} x ${columns.length} cells`,
        start,
      );
    const cells = [...table.cells];
    rows.forEach((row, i) =>
      columns.forEach((column, j) => {
        cells[row * table.columns + column] = isScalar(value) ? value.cells[0] : value.cells[i * columns.length + j];
      }),
    );
    names.set(key, { value: { ...table, cells }, lines });
    this.endOfStatement();
  }
}
