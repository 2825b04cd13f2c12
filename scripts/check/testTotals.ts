/** How many tests a suite says it ran, read from what it prints, and the one line the whole command ends with. */
export type Totals = { readonly passed: number; readonly failed: number };

export type SuiteRun = {
  readonly name: string;
  /** `build`: no tests, counted where it fails. */
  readonly style: "mocha" | "unittest" | "build";
  readonly output: string;
  /** `null` when the process was killed or could not be started. */
  readonly exitCode: number | null;
};

const ANSI = /\u001b\[[0-9;]*m/g;

/** The last count printed counts: mocha and Hardhat put their summary at the end. */
function lastCount(text: string, pattern: RegExp): number {
  let count = 0;
  for (const match of text.matchAll(pattern)) count = Number(match[1]);
  return count;
}

function printed(run: SuiteRun): Totals {
  if (run.style === "build") return { passed: 0, failed: 0 };
  const text = run.output.replace(ANSI, "");
  if (run.style === "mocha") {
    return {
      passed: lastCount(text, /^\s*(\d+) passing\b/gm),
      failed: lastCount(text, /^\s*(\d+) failing\b/gm),
    };
  }
  const failed = lastCount(text, /\bfailures=(\d+)/g) + lastCount(text, /\berrors=(\d+)/g);
  const skipped = lastCount(text, /\bskipped=(\d+)/g);
  return { passed: Math.max(0, lastCount(text, /^Ran (\d+) tests?\b/gm) - failed - skipped), failed };
}

/** A suite that crashes, or in which nothing ran, is a failure even when it reports none. */
export function totalsOf(run: SuiteRun): Totals {
  const { passed, failed } = printed(run);
  if (failed > 0) return { passed, failed };
  const ranNone = run.style !== "build" && passed === 0;
  return { passed, failed: run.exitCode !== 0 || ranNone ? 1 : 0 };
}

/** Lines of a failing test's name, up to the one that ends it, and its message's first line. */
const MOCHA_FAILURE = /^ +\d+\) (.+(?:\n.+){0,7}?):[ \t]*\n\s*(.*)$/gm;
const UNITTEST_FAILURE = /^(?:FAIL|ERROR): (.+)$/gm;
const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, " / ");

/** Names of the tests that failed, each with the first line of its message where one is printed. */
export function failuresOf(run: SuiteRun): string[] {
  if (run.style === "build") return run.exitCode === 0 ? [] : [run.name];
  const text = run.output.replace(ANSI, "");
  if (run.style === "unittest") return [...text.matchAll(UNITTEST_FAILURE)].map(([, name]) => name);
  const summary = text.slice(Math.max(0, text.search(/^\s*\d+ failing\b/m)));
  return [...summary.matchAll(MOCHA_FAILURE)].map(
    ([, name, message]) => `${oneLine(name)}: ${message.trim().slice(0, 200)}`,
  );
}

export function sum(all: readonly Totals[]): Totals {
  return all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), { passed: 0, failed: 0 });
}

export const totalLine = ({ passed, failed }: Totals): string => `${passed} passed, ${failed} failed`;
