import { readFileSync } from "node:fs";
import type * as z from "zod";
import { InputError } from "./inputError.ts";

/** Throws InputError where a file cannot be read. Editors on Windows begin one with a mark of its byte order, which is no text. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(`${file}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`);
  }
}

/** `file: field = value: reason`, the one form of every complaint about a file. Long values are cut. */
export function complaint(file: string, field: string, value: unknown, reason: string): InputError {
  const shown = value === undefined ? "nothing" : JSON.stringify(value);
  const short = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
  return new InputError(`${file}: ${field || "the whole file"} = ${short}: ${reason}`);
}

/** JSON has no NaN; where a file holds one anyway, quoting it lets the schema name its field. */
const quoteNonNumbers = (text: string): string =>
  text.replace(/([[,:]\s*)(-?(?:NaN|Infinity)|nan|inf)(?=\s*[,\]}])/g, '$1"$2"');

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    try {
      return JSON.parse(quoteNonNumbers(text));
    } catch {
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
  const issue = result.error.issues[0];
  if (issue.code === "unrecognized_keys") {
    const path = [...issue.path, issue.keys[0]];
    throw complaint(file, fieldName(path), valueAt(value, path), "unknown field");
  }
  const found = valueAt(value, issue.path);
  const reason = found === undefined ? "is missing" : issue.message.replace(/^Invalid input: /, "");
  throw complaint(file, fieldName(issue.path), found, reason);
}
