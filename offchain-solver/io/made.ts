/** What is made of files that anybody may have written, for comparison with one that he says is made of them. */
import { InputError } from "./inputError.ts";

/**
 * undefined: nothing can be made of them, whatever it is that does not fit, so no file is what they make. A file that
 * cannot be read at all is told by its name.
 */
export function made<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof InputError) throw error;
    return undefined;
  }
}
