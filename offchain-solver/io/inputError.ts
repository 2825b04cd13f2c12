/**
 * Input we were given is wrong: the command says so in one message that names file, field and value, and ends with 2.
 */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly exitCode = 2;
}
