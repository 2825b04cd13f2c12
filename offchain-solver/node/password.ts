/** The password of a party's keystores: from the environment, a file or a prompt; never from a command line. */
import { isCancel, password as ask } from "@clack/prompts";
import { InputError } from "../io/inputError.ts";
import { readText } from "../io/readJson.ts";

export const PASSWORD = "GRIDPACT_PASSWORD";
export const PASSWORD_FILE = "GRIDPACT_PASSWORD_FILE";
/** Shorter ones are guessed whatever a guess costs. */
const SHORTEST = 8;

/** `file`: what a configuration names; the environment comes first. `fresh`: it is asked for twice. */
export async function readPassword(
  options: { readonly file?: string; readonly fresh?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { env = process.env, fresh = false } = options;
  const given = env[PASSWORD];
  if (given !== undefined) return checked(PASSWORD, given, fresh);
  const file = env[PASSWORD_FILE] ?? options.file;
  // An editor ends the last line; that is no part of the password.
  if (file !== undefined) return checked(file, readText(file).replace(/\r?\n$/, ""), fresh);
  if (process.stdin.isTTY !== true)
    throw new InputError(`${PASSWORD}: no password: set it, or ${PASSWORD_FILE}, where nobody can be asked`);
  const typed = await prompt("Password of the keystores");
  if (fresh && (await prompt("The same again")) !== typed) throw new InputError("the two passwords differ");
  return checked("the password", typed, fresh);
}

function checked(source: string, password: string, fresh: boolean): string {
  if (password === "") throw new InputError(`${source}: is empty`);
  if (fresh && password.length < SHORTEST)
    throw new InputError(`${source}: a new password has at least ${SHORTEST} characters`);
  return password;
}

async function prompt(message: string): Promise<string> {
  const answer = await ask({ message });
  if (isCancel(answer)) throw new InputError("no password was given");
  return answer;
}
