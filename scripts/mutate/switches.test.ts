import { createRequire } from "node:module";
import { expect } from "chai";
import { mutantsOf } from "./mutants.ts";
import { constantOf, idsIn, switched, turnedOn } from "./switches.ts";

type Solc = { compile(input: string): string };
const solc = createRequire(import.meta.url)("solc") as Solc;

const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;
contract Small {
    error Beyond(uint256 a);
    function check(uint256 a, uint256 cap) external pure returns (uint256 fine) {
        if (a > cap && cap != 0) revert Beyond(a);
        assembly ("memory-safe") {
            fine := and(lt(a, cap), eq(a, 3))
        }
    }
    function open(uint256 a) external view virtual returns (bool) {
        return
            a == 0 ||
            msg.sender == address(1);
    }
}
`;

function compile(source: string): { readonly ast: unknown; readonly code: string; readonly errors: string[] } {
  const settings = {
    viaIR: true,
    optimizer: { enabled: false },
    outputSelection: { "*": { "": ["ast"], "*": ["evm.bytecode.object"] } },
  };
  const input = { language: "Solidity", sources: { "Small.sol": { content: source } }, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  return {
    ast: output.sources["Small.sol"].ast,
    code: output.contracts["Small.sol"].Small.evm.bytecode.object,
    errors: (output.errors ?? []).filter((one: { severity: string }) => one.severity === "error"),
  };
}

describe("mutants behind switches", function () {
  this.timeout(300_000);
  const { ast } = compile(SOURCE);
  // The last line's operand takes its semicolon along and is no mutant: it does not compile.
  const found = mutantsOf("Small.sol", SOURCE).filter(({ after }) => after.trim() !== "false");
  const mutants = found.map((mutant, k) => ({ mutant, id: 100 + k }));
  const all = switched(SOURCE, ast, mutants);

  it("are all in one source that compiles: conditions, words of assembly and refusals", () => {
    expect(mutants.length).to.be.greaterThan(11);
    expect([...all.ids]).to.deep.equal(mutants.map(({ id }) => id));
    expect([...new Set(idsIn(all.source))].sort()).to.deep.equal(mutants.map(({ id }) => id));
    const { code, errors } = compile(all.source);
    expect(errors).to.deep.equal([]);
    const codes = mutants.map(({ id }) => turnedOn(code, id));
    expect(new Set([code, ...codes]).size).to.equal(mutants.length + 1);
    expect(codes).not.to.include(undefined);
    expect(turnedOn(code, 99)).to.equal(undefined);
  });

  it("are the mutant where they are on and the original where they are off, whatever kind of text it is", () => {
    const one = (after: string): string => {
      const mutant = mutants.find((candidate) => candidate.mutant.after.trim() === after) ?? expect.fail(after);
      const { source } = switched(SOURCE, ast, [mutant]);
      const lines = source.split("\n").filter((line) => idsIn(line).length > 0);
      return lines
        .join("\n")
        .trim()
        .replaceAll(`0x${constantOf(mutant.id)}`, "S");
    };
    expect(one("if (a >= cap && cap != 0) revert Beyond(a);")).to.equal(
      "if ((msg.data.length >= S ? (a >= cap) : (a > cap)) && cap != 0) revert Beyond(a);",
    );
    expect(one("if (a > cap && cap != 0) {}")).to.equal(
      "if (a > cap && cap != 0) { if (msg.data.length < S) { revert Beyond(a); } }",
    );
    expect(one("fine := and(lt(a, cap), iszero(eq(a, 3)))")).to.equal(
      "fine := and(lt(a, cap), or(mul(iszero(lt(calldatasize(), S)), iszero(eq(a, 3))), mul(lt(calldatasize(), S), eq(a, 3))))",
    );
    expect(one("false ||")).to.equal("(msg.data.length >= S ? (false) : (a == 0)) ||");
  });

  it("leave alone what they are told to, and what is no expression", () => {
    const [{ id }] = mutants;
    expect(switched(SOURCE, ast, mutants, new Set([id])).ids.has(id)).to.equal(false);
    const line = SOURCE.split("\n").findIndex((one) => one.includes("function open"));
    const before = SOURCE.split("\n")[line];
    const guard = { file: "Small.sol", line, before, after: before.replace(" virtual", "") };
    expect(switched(SOURCE, ast, [{ mutant: guard, id: 1 }]).ids.size).to.equal(0);
  });
});
