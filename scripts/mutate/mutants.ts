/**
 * What can be changed in a line of Solidity so that a comparison or a refusal is another one. Pure: text in, text out.
 */
export type Mutant = { readonly file: string; readonly line: number; readonly before: string; readonly after: string };

/** An `a < b` becomes `a <= b`, and so on: the end of the range moves by one. */
const MOVED: Readonly<Record<string, string>> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==" };
/** The same in assembly, where a <= b is spelt iszero(gt(a, b)). */
const MOVED_CALL: Readonly<Record<string, string>> = { lt: "gt", gt: "lt", slt: "sgt", sgt: "slt", eq: "eq" };
const GATHERED = /^(fine|refused|inside|failure|signed)$/;
const NUMBER = /^(0x[0-9a-f]+|\d+)$/;
/** Lines of assembly whose `and` and `or` join predicates; elsewhere they are masks. */
const PREDICATE = /\b(fine|refused|inside|failure|signed|known)\b|^\s*(if|for)\b/;
const REFUSES = /^(\s*)(if \(.*\) |else )?(revert|_check\w+|_refuse\w+|refuseTrade|_claim|\w+\.check\w*)\b.*;$/;
const GUARD = / (restricted|nonReentrant|onlyWallet\(id\)|whenSealed|onlyAuthorized)(?= )/g;

/** Index of the parenthesis that closes the one at `open`, or -1 when it is on another line. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) return at;
  }
  return -1;
}

function argumentsOf(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}

type Call = { readonly name: string; readonly from: number; readonly to: number; readonly args: readonly string[] };

function calls(text: string, names: RegExp): Call[] {
  return [...text.matchAll(names)].flatMap((match) => {
    const close = closing(text, match.index + match[0].length - 1);
    if (close < 0) return [];
    const args = argumentsOf(text.slice(match.index + match[0].length, close));
    return [{ name: match[1], from: match.index, to: close + 1, args }];
  });
}

/** What ends an operand of `&&` or `||`, besides a bracket that is not its own. */
const ENDS = /^( (&&|\|\||\?|:|=) |;|return )/;

/** Where the operand ends that starts at `from` and runs forwards, or that ends at `from` and runs backwards. */
function operandEnd(text: string, from: number, step: 1 | -1): number {
  const [opens, closes] = step === 1 ? ["(", ")"] : [")", "("];
  let depth = 0;
  for (let at = from; at >= 0 && at < text.length; at += step) {
    const end = ENDS.exec(text.slice(at));
    if (depth === 0 && end !== null) return step === 1 ? at : at + end[0].length;
    if (text[at] === opens) depth++;
    else if (text[at] === closes && depth-- === 0) return step === 1 ? at : at + 1;
  }
  return step === 1 ? text.length : 0;
}

/** `a && b` becomes a, and b. */
function operands(text: string): string[] {
  return [...text.matchAll(/ (&&|\|\|) /g)].flatMap(({ index, 0: operator }) => {
    const start = index + operator.length;
    const [left, right] = [operandEnd(text, index - 1, -1), operandEnd(text, start, 1)];
    return [text.slice(left, index), text.slice(start, right)].map(
      (kept) => text.slice(0, left) + kept + text.slice(right),
    );
  });
}

/** One operand a line: what the operator at its own end, or at the end of the line before, makes of nothing. */
function lineOperand(text: string, previous: string): string[] {
  const own = / (&&|\|\|)$/.exec(text);
  const operator = own ?? / (&&|\|\|)$/.exec(previous);
  if (operator === null || (own === null && / (&&|\|\|) /.test(text))) return [];
  const neutral = operator[1] === "&&" ? "true" : "false";
  return [`${/^\s*/.exec(text)?.[0]}${neutral}${own === null ? "" : ` ${operator[1]}`}`];
}

function assembly(text: string): string[] {
  const put = ({ from, to }: Call, by: string): string => text.slice(0, from) + by + text.slice(to);
  const compared = calls(text, /\b(s?[lg]t|eq)\(/g).map((call) =>
    put(call, `iszero(${MOVED_CALL[call.name]}(${call.args.join(", ")}))`),
  );
  // What has been gathered so far stays; of two new predicates each is left out once.
  const joined = calls(text, /\b(and|or)\(/g)
    .filter(({ args }) => PREDICATE.test(text) && args.length === 2 && !args.some((arg) => NUMBER.test(arg)))
    .flatMap((call) => (GATHERED.test(call.args[0]) ? [call.args[0]] : call.args).map((arg) => put(call, arg)));
  const branched = /^(\s*if )(\w+)( \{)$/.exec(text);
  const turned =
    branched && `${branched[1]}${GATHERED.test(branched[2]) ? "0" : `iszero(${branched[2]})`}${branched[3]}`;
  return [...compared, ...joined, ...(turned ? [turned] : []), text.replace("if xor(", "if eq(")];
}

/** Every line that `text` may become; `previous` is the line before it. */
export function mutationsOf(text: string, previous = ""): string[] {
  if (/^\s*(\/\/|\/\*|\*|import|error|event|pragma)/.test(text)) return [];
  const moved = [...text.matchAll(/ (<=?|>=?|==|!=)(?= )/g)].map(
    ({ index, 0: found, 1: operator }) =>
      `${text.slice(0, index)} ${MOVED[operator]}${text.slice(index + found.length)}`,
  );
  const refusal = REFUSES.exec(text);
  const dropped = refusal === null ? [] : [`${refusal[1]}${refusal[2] ?? ""}{}`];
  const unguarded = [...text.matchAll(GUARD)].map(
    ({ index, 0: found }) => text.slice(0, index) + text.slice(index + found.length),
  );
  const all = [
    ...moved,
    ...operands(text),
    ...lineOperand(text, previous),
    ...assembly(text),
    ...dropped,
    ...unguarded,
  ];
  return [...new Set(all)].filter((after) => after !== text);
}

export function mutantsOf(file: string, source: string): Mutant[] {
  const lines = source.split("\n");
  return lines.flatMap((before, line) =>
    mutationsOf(before, lines[line - 1]).map((after) => ({ file, line, before, after })),
  );
}

/** How a process ended. */
export type Ended = { readonly status: number | null; readonly timedOut: boolean };

/** `survived` and `timed out` are failures of the tests; `not compiled` is no mutant. */
export type Outcome = "killed" | "survived" | "timed out" | "not compiled" | "equivalent";

/** Only a suite that ran to its end and failed has killed the mutant: a suite that did not end has shown nothing. */
export function classify(compiled: boolean, suites: readonly Ended[]): Outcome {
  if (!compiled) return "not compiled";
  for (const { status, timedOut } of suites) {
    if (timedOut || status === null) return "timed out";
    if (status !== 0) return "killed";
  }
  return "survived";
}

export const succeeded = (outcomes: readonly Outcome[]): boolean =>
  outcomes.length > 0 && outcomes.every((one) => one !== "survived" && one !== "timed out");
