/**
 * All mutants of a file in one source, each behind a switch of its own: what is compiled once is every mutant, chosen
 * by the bytes of a constant in its code. Pure: text and syntax tree in, text out.
 *
 * A switch is `msg.data.length >= constant`: no call is as long as the constants written here, and every call is at
 * least as long as the zero that turns a switch on.
 */
import type { Mutant } from "./mutants.ts";

/** A node of the compiler's syntax tree, of Solidity or of assembly; offsets are those of bytes. */
type Node = { readonly nodeType: string; readonly src: string; readonly [key: string]: unknown };

type Place = {
  readonly kind: "bool" | "word" | "statement";
  readonly from: number;
  readonly to: number;
  readonly depth: number;
};
type Edit = Place & { readonly id: number; readonly after: string };
export type Switched = { readonly source: string; readonly ids: ReadonlySet<number> };

/** 32 bytes that no compiler would write by itself. */
export const constantOf = (id: number): string => `e7a1${id.toString(16).padStart(12, "0")}${"c35f".repeat(12)}`;
const OFF = "0".repeat(64);

/** Code with one mutant in it; `undefined` where the switch is not in this contract. */
export function turnedOn(bytecode: string, id: number): string | undefined {
  const constant = constantOf(id);
  return bytecode.includes(constant) ? bytecode.replaceAll(constant, OFF) : undefined;
}

/** The switches in a source. */
export const idsIn = (source: string): number[] =>
  [...source.matchAll(/0xe7a1([0-9a-f]{12})(?:c35f){12}/g)].map(([, id]) => parseInt(id, 16));

/** Calls that do something: evaluating one of them twice is another program. */
const ACTS = /\b(call|staticcall|delegatecall|create2?|sstore|tstore|mstore8?|revert|return|log\d)\(/;

function rangeOf(node: Node): readonly [number, number] {
  const [from, length] = node.src.split(":").map(Number);
  return [from, from + length];
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "nodeType" in value && "src" in value;

/** Everything that can be switched: conditions, words of assembly, statements that refuse. */
function placesOf(root: Node): Place[] {
  const places: Place[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (Array.isArray(value)) return value.forEach((one) => visit(one, depth));
    if (!isNode(value)) return;
    const kind = kindOf(value);
    if (kind !== undefined) {
      const [from, to] = rangeOf(value);
      places.push({ kind, from, to, depth });
    }
    for (const child of Object.values(value)) if (typeof child === "object") visit(child, depth + 1);
  };
  visit(root, 0);
  return places;
}

function kindOf(node: Node): Place["kind"] | undefined {
  const { typeString } = (node.typeDescriptions ?? {}) as { readonly typeString?: string };
  if (typeString === "bool" && node.nodeType !== "VariableDeclaration" && node.nodeType !== "ElementaryTypeName")
    return "bool";
  if (["YulFunctionCall", "YulIdentifier", "YulLiteral"].includes(node.nodeType)) return "word";
  if (["RevertStatement", "ExpressionStatement"].includes(node.nodeType)) return "statement";
  return undefined;
}

/** Where two lines begin and end to differ: [from, end of before, end of after]. */
function difference(before: string, after: string): readonly [number, number, number] {
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from++;
  let [last, end] = [before.length, after.length];
  while (last > from && end > from && before[last - 1] === after[end - 1]) [last, end] = [last - 1, end - 1];
  return [from, last, end];
}

/** The mutant as a change of the smallest node that holds it; undefined where no node does. */
function editOf(source: string, start: number, mutant: Mutant, places: readonly Place[], id: number): Edit | undefined {
  const [from, last, end] = difference(mutant.before, mutant.after);
  const dropped = /\{\}$/.test(mutant.after) && !/\{\}$/.test(mutant.before);
  const holds = ({ kind, ...place }: Place): boolean =>
    place.from <= start + from && place.to >= start + last - (kind === "statement" ? 1 : 0);
  const fitting = places.filter((place) => (place.kind === "statement") === dropped && holds(place));
  const place = fitting.sort((a, b) => a.to - a.from - (b.to - b.from) || b.depth - a.depth)[0];
  if (place === undefined) return undefined;
  const text = source.slice(place.from, start + from) + mutant.after.slice(from, end);
  const after = text + source.slice(start + last, place.to);
  if (place.kind === "word" && ACTS.test(source.slice(place.from, place.to))) return undefined;
  // A statement's node may stop before its semicolon.
  const to = place.kind === "statement" && source[place.to] === ";" ? place.to + 1 : place.to;
  return { ...place, to, id, after };
}

function written({ kind, id, after }: Edit, before: string): string {
  const constant = `0x${constantOf(id)}`;
  if (kind === "bool") return `(msg.data.length >= ${constant} ? (${after}) : (${before}))`;
  if (kind === "statement") return `{ if (msg.data.length < ${constant}) { ${before} } }`;
  const off = `lt(calldatasize(), ${constant})`;
  return `or(mul(iszero(${off}), ${after}), mul(${off}, ${before}))`;
}

/** The text from `from` to `to` with `edits`, which are within it, outermost first. */
function rendered(source: string, from: number, to: number, edits: readonly Edit[]): string {
  let text = "";
  let at = from;
  for (let k = 0; k < edits.length;) {
    const edit = edits[k];
    const inside = edits.slice(k + 1).filter((one) => one.from >= edit.from && one.to <= edit.to);
    text += source.slice(at, edit.from) + written(edit, rendered(source, edit.from, edit.to, inside));
    at = edit.to;
    k += 1 + inside.length;
  }
  return text + source.slice(at, to);
}

/** A mutant and the number of its switch. */
export type Numbered = { readonly mutant: Mutant; readonly id: number };

/** `mutants` are of one file, whose syntax tree is `ast`. Those in `without`, and those of no node, are left alone. */
export function switched(
  source: string,
  ast: unknown,
  mutants: readonly Numbered[],
  without: ReadonlySet<number> = new Set(),
): Switched {
  const starts = source.split("\n").reduce<number[]>((all, line, k) => [...all, all[k] + line.length + 1], [0]);
  const places = placesOf(ast as Node);
  const edits = mutants.flatMap(({ mutant, id }) => {
    const edit = without.has(id) ? undefined : editOf(source, starts[mutant.line], mutant, places, id);
    return edit === undefined ? [] : [edit];
  });
  const order = [...edits].sort((a, b) => a.from - b.from || b.to - a.to || a.id - b.id);
  return { source: rendered(source, 0, source.length, order), ids: new Set(edits.map(({ id }) => id)) };
}
