/**
 * Straight-line Yul of a source file, run on words of any width: what an expression does with 256 bits it does with
 * few, so that few can be tried exhaustively. Names of constants, and literals that stand for a width (a mask, the byte
 * of a sign, the highest bit), are given for the width.
 */
import { readFileSync } from "node:fs";

export type Names = Readonly<Record<string, bigint>>;
type Values = Record<string, bigint>;
type Expression = (values: Values) => bigint;

export const source = (file: string): string =>
  readFileSync(new URL(`../../contracts/${file}`, import.meta.url), "utf8");

/** The lines from the first that holds `from` to the next that holds `to`, both included. */
export function lines(text: string, from: string, to: string): string[] {
  const all = text.split("\n").map((line) => line.trim());
  const start = all.findIndex((line) => line.includes(from));
  const end = all.findIndex((line, k) => k >= start && line.includes(to));
  if (start < 0 || end < 0) throw new Error(`the source has no ${from} ... ${to}`);
  return all.slice(start, end + 1).filter((line) => !line.startsWith("//"));
}

/** A machine of `bits` bits; `names`: what constants and literals are in it. */
export function machine(bits: number, names: Names) {
  const [width, modulus] = [BigInt(bits), 1n << BigInt(bits)];
  const wrap = (x: bigint): bigint => ((x % modulus) + modulus) % modulus;
  const signed = (x: bigint, size = bits): bigint => BigInt.asIntN(size, x);
  const flag = (yes: boolean): bigint => (yes ? 1n : 0n);
  const operations: Record<string, (a: bigint, b: bigint) => bigint> = {
    add: (a, b) => wrap(a + b),
    sub: (a, b) => wrap(a - b),
    mul: (a, b) => wrap(a * b),
    and: (a, b) => a & b,
    or: (a, b) => a | b,
    xor: (a, b) => a ^ b,
    shl: (a, b) => (a >= width ? 0n : wrap(b << a)),
    shr: (a, b) => b >> a,
    sar: (a, b) => wrap(signed(b) >> a),
    gt: (a, b) => flag(a > b),
    lt: (a, b) => flag(a < b),
    slt: (a, b) => flag(signed(a) < signed(b)),
    // Its first argument is how many bits a value has, less one: in 256 bits it is given in bytes.
    signextend: (a, b) => wrap(signed(b, Number(a) + 1)),
  };

  function parse(text: string): Expression {
    const call = /^(\w+)\((.*)\)$/.exec(text.trim());
    if (call === null) {
      const name = text.trim();
      if (name in names) return () => names[name];
      if (/^\d|^0x/.test(name)) return () => BigInt(name);
      return (values) => {
        if (!(name in values)) throw new Error(`there is no ${name}`);
        return values[name];
      };
    }
    const operation = operations[call[1]];
    const [a, b] = split(call[2]).map(parse);
    if (operation === undefined || b === undefined) throw new Error(`no operation of two: ${text}`);
    return (values) => operation(a(values), b(values));
  }

  /** Runs assignments one after the other on a copy of `values`. */
  function run(code: readonly string[]): (values: Values) => Values {
    const steps = code.map((line) => {
      const parts = /^(?:let )?(\w+) := (.*)$/.exec(line);
      if (parts === null) throw new Error(`no assignment: ${line}`);
      return [parts[1], parse(parts[2])] as const;
    });
    return (values) => {
      const now = { ...values };
      for (const [name, expression] of steps) now[name] = expression(now);
      return now;
    };
  }
  return { parse, run, wrap, signed };
}

/** Arguments at the commas that are in no bracket. */
function split(text: string): string[] {
  const found: string[] = [];
  let [depth, from] = [0, 0];
  for (let k = 0; k <= text.length; k++) {
    if (text[k] === "(") depth++;
    if (text[k] === ")") depth--;
    if (k < text.length && (text[k] !== "," || depth > 0)) continue;
    found.push(text.slice(from, k));
    from = k + 1;
  }
  return found;
}
