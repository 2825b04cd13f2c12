/**
 * Ends a command with a message and an exit code: 1 a measurement shows a claim of ours to be wrong, 3 not solved, 4 an
 * audit found the result invalid, 5 undecided.
 */
export class Exit extends Error {
  readonly code: 1 | 3 | 4 | 5;
  constructor(code: 1 | 3 | 4 | 5, message: string) {
    super(message);
    this.code = code;
  }
}
