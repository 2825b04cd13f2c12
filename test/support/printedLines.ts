import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Printed = { readonly file: string; readonly line: string };

/** Where a reader finds command lines. */
const documents = (root: string): string[] => [
  "README.md",
  "CONTRIBUTING.md",
  "cases/README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort(),
];

/** Code of a page: fenced blocks line by line, and spans, which may run over a line's end. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```[a-z]*\n(.*?)^```/gms)].flatMap(([, block]) => block.split("\n"));
  const spans = [...text.replace(/^```.*?^```/gms, "").matchAll(/`([^`]+)`/g)].map(([, span]) =>
    span.replace(/\n/g, " "),
  );
  return [...blocks, ...spans];
}

/** `npx -y -p node@24 -c 'A && B'` runs A and B; what follows a # is said to the reader. */
function commandsOf(code: string): string[] {
  const wrapped = /^npx -y -p node@24 -c '(.*)'$/.exec(code.trim());
  return (wrapped ? wrapped[1] : code)
    .replace(/(^|\s)#.*$/, "")
    .split("&&")
    .map((command) => command.trim())
    .filter((command) => /^(npx |npm |node |gridpact )/.test(command));
}

/** Every command line that is printed in the documents, once. */
export function printedLines(root: string): Printed[] {
  const found = new Map<string, Printed>();
  for (const file of documents(root))
    for (const code of codeOf(readFileSync(join(root, file), "utf8")))
      for (const line of commandsOf(code)) if (!found.has(line)) found.set(line, { file, line });
  return [...found.values()];
}
