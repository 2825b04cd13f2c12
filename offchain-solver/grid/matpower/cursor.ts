import { MatpowerError, tokensOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** Reads a case token by token; every complaint names the line of a token. */
export class Cursor {
  private at = 0;
  private readonly tokens: readonly Token[];

  constructor(source: string) {
    this.tokens = tokensOf(source);
  }

  get token(): Token {
    return this.tokens[this.at];
  }

  /** The token before, and the one after. */
  get last(): Token {
    return this.tokens[this.at - 1];
  }

  get next(): Token {
    return this.ahead(1);
  }

  /** The token `steps` after this one; the end stays the end. */
  ahead(steps: number): Token {
    return this.tokens[Math.min(this.at + steps, this.tokens.length - 1)];
  }

  /** Steps on, and returns the token that was stepped over. */
  take(): Token {
    const { token } = this;
    if (token.kind !== "end") this.at++;
    return token;
  }

  /** Steps over `what` (a sign, a word, "newline") when it comes next. */
  takes(what: string): boolean {
    const { kind, text } = this.token;
    const found = what === "newline" ? kind === "newline" : text === what && kind !== "text";
    if (found) this.at++;
    return found;
  }

  fail(reason: string, { line } = this.token): never {
    throw new MatpowerError(line, reason);
  }

  expect(what: string): void {
    const { kind, text } = this.token;
    if (!this.takes(what))
      this.fail(`"${what}" was expected, not ${kind === "newline" ? "the line's end" : `"${text}"`}`);
  }

  takeName(): string {
    const { kind, text } = this.token;
    if (kind !== "name") this.fail(`a name was expected, not ${JSON.stringify(text)}`);
    this.at++;
    return text;
  }
}
