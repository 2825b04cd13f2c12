import { parseArgs, type ParseArgsConfig } from "node:util";

/** Of a script's own command line; what it does not know is one line on standard error and exit code 2. */
export function argumentsOf<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")))
      throw error;
    const known = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    process.stderr.write(`${error.message}; known are ${known.join(", ")}\n`);
    return process.exit(2);
  }
}
