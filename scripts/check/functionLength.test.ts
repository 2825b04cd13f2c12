import { expect } from "chai";
import { Linter } from "eslint";
import { functionLength } from "./functionLength.ts";

const lines = (count: number): string => "f();\n".repeat(count);
const complaints = (source: string): number =>
  new Linter().verify(source, {
    plugins: { house: { rules: { "function-length": functionLength } } },
    rules: { "house/function-length": ["error", 5] },
  }).length;

describe("the length of functions", () => {
  it("is held for helpers, callbacks and tests", () => {
    for (const [head, foot] of [
      ["function a() {\n", "}"],
      ["const a = () => {\n", "};"],
      ['describe("a", () => {\nit("b", () => {\n', "});\n});"],
      ['it("b", function () {\n', "});"],
      ["class A { b() {\n", "} }"],
    ]) {
      expect(complaints(head + lines(3) + foot), head).to.equal(0);
      expect(complaints(head + lines(4) + foot), head).to.equal(1);
    }
  });

  it("is not held for suites, nor for what makes one", () => {
    expect(complaints(`describe("a", () => {\n${lines(9)}});`)).to.equal(0);
    expect(complaints(`function suite() {\ndescribe("a", () => {\n${lines(9)}});\n}`)).to.equal(0);
  });
});
