import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import type * as z from "zod";
import { InputError } from "./inputError.ts";
import { isNoFile } from "./systemError.ts";

/** Deepest that brackets may be nested: ours are five deep, and what walks a value would run out of stack. */
const DEEPEST = 64;

/** Whether there is a file of this name, whatever the name is. */
export function isFile(name: string): boolean {
  try {
    return statSync(name).isFile();
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return false;
  }
}

/**
 * Throws InputError where a file cannot be read or is no UTF-8, unless it may be read as `otherwise` then. Editors on
 * Windows begin one with a mark of its byte order, which is no text.
 */
export function readText(file: string, otherwise?: "latin1"): string {
  const bytes = readBytes(file);
  if (isUtf8(bytes)) return bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (otherwise !== undefined) return bytes.toString(otherwise);
  throw new InputError(`${file}: is no UTF-8 text: save it as UTF-8`);
}

/** Throws InputError where a file cannot be read. */
export function readBytes(file: string): Buffer {
  if (file.includes("\0")) throw new InputError(`${file}: no file's name holds a zero byte`);
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(`${file}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`);
  }
}

/** `file: field = value: reason`, the one form of every complaint about a file. Long values are cut. */
export function complaint(file: string, field: string, value: unknown, reason: string): InputError {
  const odd = typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0));
  const shown =
    value === undefined ? "nothing" : odd ? (Object.is(value, -0) ? "-0" : `${value}`) : JSON.stringify(value);
  const short = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
  return new InputError(`${file}: ${field || "the whole file"} = ${short}: ${reason}`);
}

/** JSON has no NaN; where a file holds one anyway, quoting it lets the schema name its field. */
const quoteNonNumbers = (text: string): string =>
  text.replace(/([[,:]\s*)(-?(?:NaN|Infinity)|nan|inf)(?=\s*[,\]}])/g, '$1"$2"');

/**
 * What JSON.parse takes without a word: an object that names a field twice, of which the last would win, and depth
 * without end.
 */
function checkNames(file: string, text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: token, 1: name, index } of text.matchAll(
    /("[^"\\]*(?:\\.[^"\\]*)*")\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/g,
  )) {
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : undefined);
    else if (token === "}" || token === "]") open.pop();
    const line = (): number => text.slice(0, index).split("\n").length;
    if (open.length > DEEPEST)
      throw new InputError(`${file}: line ${line()}: brackets are nested more than ${DEEPEST} deep`);
    const names = open.at(-1);
    if (name === undefined || names === undefined) continue;
    const said = JSON.parse(name) as string;
    if (names.has(said)) throw new InputError(`${file}: line ${line()}: ${said} is named twice in one object`);
    names.add(said);
  }
}

function parse(file: string, text: string): unknown {
  const value = parsed(file, text);
  checkNames(file, text);
  return value;
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    try {
      return JSON.parse(quoteNonNumbers(text));
    } catch (again) {
      if (!(again instanceof SyntaxError)) throw again;
      throw new InputError(`${file}: is not JSON: ${(error as Error).message}`);
    }
  }
}

const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, key) => {
    if (typeof key === "number") return `${name}[${key}]`;
    return name === "" ? String(key) : `${name}.${String(key)}`;
  }, "");

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** Reads a JSON file and holds it against a schema. Throws InputError with the first fault. */
export function readJson<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return checkShape(file, parse(file, readText(file)), schema);
}

/** Holds a value against a schema. Throws InputError with the first fault, in the name of `file`. */
export function checkShape<Schema extends z.ZodType>(file: string, value: unknown, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw shapeFault(file, value, result.error.issues[0]);
}

/** Everything that a schema has against a value, in the name of `file`; empty = sound. */
export function shapeFaults(file: string, value: unknown, schema: z.ZodType): InputError[] {
  const result = schema.safeParse(value);
  return result.success ? [] : result.error.issues.map((issue) => shapeFault(file, value, issue));
}

function shapeFault(file: string, value: unknown, issue: z.core.$ZodIssue): InputError {
  if (issue.code === "unrecognized_keys") {
    const path = [...issue.path, issue.keys[0]];
    return complaint(file, fieldName(path), valueAt(value, path), "unknown field");
  }
  const found = valueAt(value, issue.path);
  const reason = found === undefined ? "is missing" : issue.message.replace(/^Invalid input: /, "");
  return complaint(file, fieldName(issue.path), found, reason);
}
