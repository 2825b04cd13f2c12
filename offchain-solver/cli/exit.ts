/** Ends a command with a message and an exit code: 3 not solved, 4 an audit found the result invalid. */
export class Exit extends Error {
  readonly code: 3 | 4;
  constructor(code: 3 | 4, message: string) {
    super(message);
    this.code = code;
  }
}
