import { accessSync, constants, existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError } from "./inputError.ts";

/** Where the output goes must exist before hours of work are spent. */
export function checkTarget(target: string | undefined, option = "--json"): void {
  if (target === undefined || target === "-") return;
  const folder = dirname(target);
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new InputError(`${option} ${target}: the folder ${folder} does not exist`);
}

/** A folder that is made when the work is done: what there is of its path must be a folder that can be written to. */
export function checkFolder(target: string, option = "--out"): void {
  let folder = resolve(target);
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) throw new InputError(`${option} ${target}: ${folder} is not a folder`);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new InputError(`${option} ${target}: ${folder} cannot be written to`);
  }
}

/** Writes JSON whole or not at all: to a neighbour first, then renamed. */
export function writeJson(target: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 1)}\n`;
  if (target === "-") {
    process.stdout.write(text);
    return;
  }
  const draft = `${target}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, target);
}

/** A number option within bounds, or one clear message. */
export function numberOption(name: string, low: number, high: number, whole = false) {
  return (text: string): number => {
    const value = Number(text);
    if (
      !Number.isFinite(value) ||
      value < low ||
      value > high ||
      (whole && !Number.isInteger(value)) ||
      text.trim() === ""
    )
      throw new InputError(`${name} ${text}: must be a ${whole ? "whole " : ""}number from ${low} to ${high}`);
    return value;
  };
}

/** One of a few words, or one clear message. */
export function choiceOption<T extends string>(name: string, choices: readonly T[]) {
  return (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InputError(`${name} ${text}: must be one of ${choices.join(", ")}`);
    return found;
  };
}

/** A line on the terminal that is rewritten in place; silent where nobody looks. */
export function liveLine(): { show: (text: string) => void; end: () => void } {
  const live = process.stderr.isTTY === true;
  let last = 0;
  return {
    show(text) {
      const now = Date.now();
      if (live) {
        process.stderr.write(`\r[2K${text}`);
      } else if (now - last > 5000) {
        last = now;
        process.stderr.write(`${text}\n`);
      }
    },
    end: () => void (live && process.stderr.write("\n")),
  };
}
