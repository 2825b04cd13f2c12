/**
 * ESLint's max-lines-per-function, but for suites: what is handed to `describe`, or calls it, is as long as what it
 * tests. The tests in it, and all helpers, are held to the limit.
 */
import type { Rule } from "eslint";
import type { Function as AnyFunction, Node } from "estree";

const isSuiteCall = (node: Node): boolean =>
  node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.name === "describe";

const callsSuite = ({ body }: AnyFunction): boolean =>
  body.type === "BlockStatement" &&
  body.body.some((statement) => statement.type === "ExpressionStatement" && isSuiteCall(statement.expression));

export const functionLength: Rule.RuleModule = {
  meta: {
    type: "suggestion",
    schema: [{ type: "integer", minimum: 1 }],
    messages: { long: "This function has {{lines}} lines; {{most}} can be read at once. Give its steps names." },
  },
  create(context) {
    const most = context.options[0] as number;
    const check = (node: AnyFunction & Rule.NodeParentExtension): void => {
      const lines = node.loc ? node.loc.end.line - node.loc.start.line + 1 : 0;
      if (lines > most && !isSuiteCall(node.parent) && !callsSuite(node))
        context.report({ node, messageId: "long", data: { lines: String(lines), most: String(most) } });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};
