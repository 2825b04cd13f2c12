import { InputError } from "./inputError.ts";

/**
 * Text from outside as a terminal may show it: control characters (so escape sequences too) and those that turn its
 * direction are spelled out.
 */
export const visible = (text: string): string =>
  text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The same on one line: a name that holds line ends cannot add lines that look like ours. */
export const inline = (text: string): string =>
  visible(text).replace(
    /[\t\n\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/**
 * Prints to stdout. All that a command says goes through here or `note`: names come from files, and files from
 * anywhere.
 */
export const say = (text: string): void => console.log(visible(text));

/** Prints to stderr. */
export const note = (text: string): void => console.error(visible(text));

/**
 * Whoever reads our output may stop reading (`| head`): that is no error. A full disk behind stdout is one, and said
 * so.
 */
export function endQuietlyOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`stdout: cannot be written (${error.code})\n`);
    process.exit(2);
  });
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
        process.stderr.write(`\r\u001b[2K${text}`);
      } else if (now - last > 5000) {
        last = now;
        process.stderr.write(`${text}\n`);
      }
    },
    end: () => void (live && process.stderr.write("\n")),
  };
}
