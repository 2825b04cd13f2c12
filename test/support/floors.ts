/**
 * The house's rules as code (docs/decisions/0006): imports go down only, and the pure floors stay pure.
 * Works on syntax trees, so comments and strings do not count.
 */
import { dirname, join, normalize } from "node:path/posix";
import ts from "typescript";

export type Violation = { readonly file: string; readonly line: number; readonly rule: string };

const PURE = ["numerics", "grid", "market", "clearing"] as const;

const PURE_FLOORS = ["market", "grid", "numerics"] as const;
const CORE = ["codec", ...PURE_FLOORS] as const;
const RECORDED = ["records", "ledger", ...CORE] as const;
const SIMULATED = ["simulation", "scenarios", "io", "net", "records", "clearing", ...CORE] as const;

/**
 * room -> rooms it may import from, beside itself. `cli` is a caller of everything and imported by nobody.
 * `io` knows no energy: input errors, files, what a terminal shows.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  numerics: [],
  grid: ["numerics"],
  market: ["grid", "numerics"],
  clearing: PURE_FLOORS,
  codec: PURE_FLOORS,
  ledger: CORE,
  net: ["clearing", ...CORE],
  chain: ["ledger", ...CORE],
  records: CORE,
  // A result is judged by its witness: never by what computed it.
  auditor: ["chain", ...RECORDED],
  report: RECORDED,
  io: [],
  scenarios: ["io", "records", ...PURE_FLOORS],
  // What meters send, in whatever form, to readings, and readings to what an entry says of a session.
  metering: ["scenarios", "io", "records", "ledger", ...CORE],
  simulation: SIMULATED,
  // A node judges a batch as an auditor would before it signs, and reckons readings before it attests them.
  node: ["auditor", "metering", "chain", "net", "clearing", "io", "scenarios", ...RECORDED],
  devnet: ["metering", "node", "auditor", "chain", "ledger", ...SIMULATED],
  study: ["report", "ledger", ...SIMULATED],
  cli: ["metering", "devnet", "node", "auditor", "chain", "ledger", "study", "report", ...SIMULATED],
};

/** What the pure floors may take from outside: schemas. */
const PURE_PACKAGES = new Set(["zod"]);

/** Functions whose last bits differ between engines, and randomness. sqrt is exact in IEEE 754. */
const MATH =
  "pow exp expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt hypot random";
const FORBIDDEN_MATH = new Set(MATH.split(" "));
const IMPURE =
  "Date Temporal Intl Buffer process console performance crypto fetch setTimeout setInterval setImmediate queueMicrotask " +
  "globalThis global require eval Function Worker WebSocket XMLHttpRequest BroadcastChannel navigator localStorage";
const FORBIDDEN_GLOBALS = new Set(IMPURE.split(" "));

/** Names of ethers that reach, or stand for, something on a network. */
const ETHERS_IO = /Provider|Contract|JsonRpc|FetchRe|WebSocket|^Network|^AbstractSigner$|^ethers$|^default$/;

/** Composition roots: they are handed a provider and may name its type, but only chain makes one. */
const HANDED_A_CHAIN = new Set(["auditor", "node", "devnet", "cli"]);

/** The second axis: what runs in a browser, and the packages that run there. */
const BROWSER = new Set("numerics grid market clearing codec ledger records net chain auditor report".split(" "));
const BROWSER_PACKAGES = new Set(["zod", "ethers", "@observablehq/plot", "linkedom"]);
/**
 * The solver behind `ConicSolver`, in Node: the one pure file that takes something of Node's. Composition roots hand it
 * over.
 */
const ADAPTER = {
  file: "offchain-solver/numerics/clarabelNode.ts",
  takes: ["clarabel-wasm-nodejs", "node:module"],
};
/** Sockets. */
const ROOMS_OF_NODE = /^offchain-solver\/net\/(host|tls|nats)\//;
/** These reach Node, and nothing that runs in a browser imports them. */
const ofNode = (file: string): boolean => file === ADAPTER.file || ROOMS_OF_NODE.test(file);
/** Those of Node, and whatever would reach them by their names in a text. */
const NODE_GLOBALS = new Set(
  "Buffer process __dirname __filename require module setImmediate global globalThis eval Function".split(" "),
);
/** What Node adds to `import.meta`. */
const NODE_META = new Set(["dirname", "filename", "resolve", "main"]);
/** Types of Node's: whoever uses a package's types in a page has none of them. */
const NODE_TYPES = new Set(["Buffer", "NodeJS"]);
/** These resolve other modules, by names in texts. */
const RESOLVES = new Set([ADAPTER.file, "offchain-solver/devnet/chain/anvilChain.ts"]);
/** What of `node:module` resolves nothing. */
const RESOLVES_NOTHING = new Set(["enableCompileCache"]);

/** An agent's private state leaves it only as a proposal: who may hold one is whoever runs agents. */
const AGENT_STATE =
  /^offchain-solver\/clearing\/(prosumerAgent|prosumerProblem|prosumerProgram|operatorAgent|consensus)\.ts$/;
const RUNS_AGENTS = new Set(["clearing", "simulation", "study", "node"]);
/** The package's doors: the one file that hands an agent's state on, for programs that run agents of their own. */
const DOOR = "offchain-solver/node/index.ts";

export const forBrowsers = (file: string, room = roomOf(file) ?? ""): boolean => BROWSER.has(room) && !ofNode(file);
const roomOf = (file: string): string | undefined => /^offchain-solver\/([^/]+)\//.exec(file)?.[1];
const isPure = (room: string): boolean => (PURE as readonly string[]).includes(room);
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

type Name = { readonly name: string; readonly typeOnly: boolean };
type Import = {
  readonly specifier: string;
  readonly names: readonly Name[];
  readonly node: ts.Node;
  /** The address of a file, which may be one outside the house that is no module. */
  readonly address?: true;
};

/** Everything a module has: its default export or namespace. */
const whole = (typeOnly: boolean): Name => ({ name: "default", typeOnly });

function namesOf(node: ts.ImportDeclaration | ts.ExportDeclaration): Name[] {
  const named = (elements: ts.NodeArray<ts.ImportSpecifier | ts.ExportSpecifier>, typeOnly: boolean): Name[] =>
    elements.map((element) => ({
      name: (element.propertyName ?? element.name).text,
      typeOnly: typeOnly || element.isTypeOnly,
    }));
  if (ts.isExportDeclaration(node)) {
    const clause = node.exportClause;
    if (clause === undefined || !ts.isNamedExports(clause)) return [whole(node.isTypeOnly)];
    return named(clause.elements, node.isTypeOnly);
  }
  const clause = node.importClause;
  if (clause === undefined) return [whole(false)];
  const typeOnly = clause.phaseModifier === ts.SyntaxKind.TypeKeyword;
  const names = clause.name === undefined ? [] : [whole(typeOnly)];
  const bindings = clause.namedBindings;
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.push(whole(typeOnly));
  if (bindings !== undefined && ts.isNamedImports(bindings)) names.push(...named(bindings.elements, typeOnly));
  return names;
}

const textOf = (node: ts.Node | undefined): string => (node && ts.isStringLiteralLike(node) ? node.text : "?");

/** A file beside this one as text: `new URL("x.ts", import.meta.url)` is what workers are started with. */
function urlOf(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) || node.expression.getText() !== "URL" || node.arguments?.length !== 2)
    return undefined;
  const found = textOf(node.arguments[0]);
  return /\.[cm]?[jt]s$/.test(found) ? found.replace(/^(?![./])/, "./") : undefined;
}

function importOf(node: ts.Node): Import | undefined {
  if (
    (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  ) {
    return { specifier: node.moduleSpecifier.text, names: namesOf(node), node };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: textOf(node.arguments[0]), names: [whole(false)], node };
  }
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
    return { specifier: textOf(node.moduleReference.expression), names: [whole(node.isTypeOnly)], node };
  const url = urlOf(node);
  if (url !== undefined) return { specifier: url, names: [whole(false)], node, address: true };
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return {
      specifier: node.argument.literal.text,
      names: [{ name: node.qualifier?.getText() ?? "default", typeOnly: true }],
      node,
    };
  }
  return undefined;
}

/** Names that this file has from an agent's own modules. */
function stateIn(file: string, tree: ts.SourceFile): ReadonlySet<string> {
  const named = tree.statements.flatMap((node): string[] => {
    if (!ts.isImportDeclaration(node) || !isState(file, textOf(node.moduleSpecifier))) return [];
    const bindings = node.importClause?.namedBindings;
    if (bindings === undefined) return [];
    return ts.isNamespaceImport(bindings) ? [bindings.name.text] : bindings.elements.map(({ name }) => name.text);
  });
  return new Set(named);
}
const isState = (file: string, specifier: string): boolean =>
  specifier.startsWith(".") && AGENT_STATE.test(normalize(join(dirname(file), specifier)));

/** Handing an agent's state on would let in whoever may not import it. */
function judgeExport(node: ts.Node, file: string, state: ReadonlySet<string>): string | undefined {
  if (!ts.isExportDeclaration(node) || file === DOOR) return undefined;
  const from = node.moduleSpecifier;
  const local = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : [];
  const hands =
    from === undefined
      ? local.some(({ name, propertyName }) => state.has((propertyName ?? name).text))
      : isState(file, textOf(from));
  return hands ? "nobody hands an agent's state on" : undefined;
}

/** Places from which nobody in the house imports: rules cannot follow what comes from there. */
function judgeSpecifier(file: string, room: string, specifier: string, names: readonly Name[]): string | undefined {
  // What is computed cannot be judged.
  if (specifier === "?") return `${room} may not import what is computed`;
  if (/^[/#]|^(?!node:)[a-z]+:/.test(specifier)) return `${room} may not import ${specifier}`;
  if (packageOf(specifier) === "gridpact") return `${room} is in the house and may not import ${specifier}`;
  const resolves = packageOf(specifier) === "node:module" && !names.every(({ name }) => RESOLVES_NOTHING.has(name));
  if (resolves && !RESOLVES.has(file)) return `${room} may not import node:module`;
  if (!specifier.startsWith(".")) return undefined;
  if (/\.test\.ts$/.test(specifier)) return `${room} may not import a test`;
  if (/(^|\/)index\.ts$/.test(specifier)) return `${room} may not come in by a door of the package`;
  return undefined;
}

function judgeImport(file: string, room: string, { specifier, names, address }: Import): string | undefined {
  const nowhere = judgeSpecifier(file, room, specifier, names);
  if (nowhere !== undefined) return nowhere;
  if (specifier.startsWith(".")) {
    const target = normalize(join(dirname(file), specifier));
    const targetRoom = roomOf(target);
    if (AGENT_STATE.test(target) && !RUNS_AGENTS.has(room)) return `${room} may not hold an agent's state`;
    if (forBrowsers(file, room) && ofNode(target)) return `${room} runs in a browser and may not import ${target}`;
    if (targetRoom === undefined)
      return room === "cli" || address ? undefined : `${room} imports ${target} outside the house`;
    return targetRoom === room || MAY_IMPORT[room].includes(targetRoom)
      ? undefined
      : `${room} may not import ${targetRoom}`;
  }
  if (file === ADAPTER.file && ADAPTER.takes.includes(specifier)) return undefined;
  if (isPure(room) && !PURE_PACKAGES.has(packageOf(specifier))) {
    return `${room} is pure and may not import ${specifier}`;
  }
  if (packageOf(specifier) === "ethers" && room !== "chain") {
    if (specifier !== "ethers") return `only chain may import ${specifier}`;
    const reaching = names.find(
      ({ name, typeOnly }) => ETHERS_IO.test(name) && !(typeOnly && HANDED_A_CHAIN.has(room)),
    );
    if (reaching !== undefined) return `only chain may import ethers' ${reaching.name}`;
  }
  if (forBrowsers(file, room) && !BROWSER_PACKAGES.has(packageOf(specifier))) {
    return `${room} runs in a browser and may not import ${specifier}`;
  }
  return undefined;
}

/** An identifier that is read as a variable: not a property's, key's or declaration's name, and not a type. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isMethodDeclaration(parent)) return false;
  if (ts.isPropertyDeclaration(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  return !ts.isQualifiedName(parent) && !ts.isTypeReferenceNode(parent);
}

function judgePurity(node: ts.Node): string | undefined {
  if (
    ts.isBinaryExpression(node) &&
    (node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken ||
      node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken)
  ) {
    return "a pure floor may not use **";
  }
  if (!ts.isIdentifier(node) || !isReference(node)) return undefined;
  if (FORBIDDEN_GLOBALS.has(node.text)) return `a pure floor may not use ${node.text}`;
  if (node.text === "Math") {
    const parent = node.parent;
    if (!ts.isPropertyAccessExpression(parent)) return "a pure floor uses Math by member name only";
    if (FORBIDDEN_MATH.has(parent.name.text)) return `a pure floor may not use Math.${parent.name.text}`;
  }
  return undefined;
}

/** Both axes: nobody's types are Node's either, since a page's own compiler has none of them. */
function judgeBrowser(node: ts.Node, room: string): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isMetaProperty(node.expression) && NODE_META.has(node.name.text))
    return `${room} runs in a browser and may not use import.meta.${node.name.text}`;
  if (!ts.isIdentifier(node)) return undefined;
  const typed = ts.isTypeReferenceNode(node.parent) || ts.isQualifiedName(node.parent);
  const found = typed ? NODE_TYPES.has(node.text) : isReference(node) && NODE_GLOBALS.has(node.text);
  return found ? `${room} runs in a browser and may not use ${node.text}` : undefined;
}

/** Doors of the house that a page may come in by: what is behind them runs in a browser. */
export const DOORS_FOR_PAGES = ["browser.ts", "auditor/index.ts", "report/index.ts"].map(
  (door) => `offchain-solver/${door}`,
);
const PAGE_PACKAGES = new Set(["react", "react-dom", "@radix-ui/react-tabs", "uplot", "ethers", "virtual:theme.css"]);

/** What a file of the page takes: its own, its packages, and what is behind the doors. */
export function pageViolations(file: string, source: string): Violation[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Violation[] = [];
  const judge = ({ specifier, names }: Import): string | undefined => {
    if (!specifier.startsWith(".")) {
      if (!PAGE_PACKAGES.has(packageOf(specifier))) return `the page may not import ${specifier}`;
      const reaching = packageOf(specifier) === "ethers" && names.find(({ name }) => ETHERS_IO.test(name));
      return reaching ? `only chain may import ethers' ${reaching.name}` : undefined;
    }
    const target = normalize(join(dirname(file), specifier));
    const known = target.startsWith("app/src/") || DOORS_FOR_PAGES.includes(target);
    return known ? undefined : `the page may not import ${target}`;
  };
  const visit = (node: ts.Node): void => {
    const imported = importOf(node);
    const rule = imported && judge(imported);
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
    if (rule !== undefined) found.push({ file, line, rule });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** @param file path from the project's root, with forward slashes. Tests (`*.test.ts`) may do as they need. */
export function violations(file: string, source: string): Violation[] {
  const room = roomOf(file);
  if (room === undefined || file.endsWith(".test.ts")) return [];
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Violation[] = [];
  const add = (node: ts.Node, rule: string | undefined): void => {
    if (rule === undefined) return;
    found.push({ file, line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1, rule });
  };
  if (MAY_IMPORT[room] === undefined) return [{ file, line: 1, rule: `${room} is not a room of the house` }];
  for (const directive of [tree.referencedFiles, tree.typeReferenceDirectives, tree.libReferenceDirectives].flat())
    found.push({ file, line: 1, rule: `${room} may not refer to ${directive.fileName}` });
  const state = stateIn(file, tree);
  const visit = (node: ts.Node): void => {
    const imported = importOf(node);
    const rule = judgeExport(node, file, state) ?? (imported && judgeImport(file, room, imported));
    add(node, rule);
    const impure = isPure(room) ? judgePurity(node) : undefined;
    add(node, impure ?? (forBrowsers(file, room) ? judgeBrowser(node, room) : undefined));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}
