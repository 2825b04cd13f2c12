import { expect } from "chai";
import fc from "fast-check";
import { IMPORTED, REFUSED } from "../../../test/support/matpowerTexts.ts";
import { ybusFlow } from "../../../test/support/ybusFlow.ts";
import { acSweep } from "../acSweep.ts";
import { baseInjections } from "../linDistFlow.ts";
import { topologyOf } from "../topology.ts";
import { importMatpower, MatpowerError } from "./matpower.ts";

describe("MATPOWER texts as people write them", () => {
  for (const [what, text, network] of IMPORTED) {
    it(`imports ${what}: losses and voltages are those of the network meant`, () => {
      const { feeder, voltageBasePu } = importMatpower(text);
      const { pMw, qMvar } = baseInjections(feeder);
      const sweep = acSweep(feeder, topologyOf(feeder), pMw, qMvar);
      const right = ybusFlow(network);
      expect(sweep.converged).to.equal(true);
      expect(feeder.buses).to.have.length(right.voltagePu.size);
      feeder.buses.forEach(({ bus }, i) =>
        expect(sweep.voltagePu[i] * voltageBasePu[i], `bus ${bus}`).to.be.closeTo(right.voltagePu.get(bus)!, 1e-8),
      );
      expect(sweep.lossesMw).to.be.closeTo(right.lossesMw, 1e-7);
    });
  }

  for (const [what, text, line, reason] of REFUSED) {
    it(`refuses ${what}, naming the line`, () => {
      expect(() => importMatpower(text))
        .to.throw(MatpowerError, reason)
        .with.property("line", line);
    });
  }
});

describe("any text at all", () => {
  /** An import, or a refusal with a line of the text: nothing else may come out of any text. */
  const importsOrRefuses = (text: string): void => {
    try {
      importMatpower(text);
    } catch (error) {
      expect(error, String((error as Error).stack)).to.be.instanceOf(MatpowerError);
      expect((error as MatpowerError).line).to.be.within(1, text.split(/\r\n?|\n/).length);
    }
  };
  const fragment = fc.constantFrom(
    ..."mpc . bus branch gen baseMVA version = [ ] ( ) { } , ; : ' \" % %{ %} ... + - * / ^ .* ./ .^ ~ @ ! end".split(
      " ",
    ),
    ..."function return x x(1,1) [x] PD idx_bus define_constants sqrt acos Inf NaN pi 1 2 0.5 1e9 -1 1: 1:1e12".split(
      " ",
    ),
    ...["\n", "\t", " ", "\r\n", "x = [1 2; 3 4];\n", "x = [x x; x x];\n", "mpc.bus = [\n"],
  );

  it("made of the words of the language is imported or refused", () => {
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 60 }), (words) => importsOrRefuses(words.join(""))),
      {
        numRuns: 1000,
      },
    );
  });

  it("made of a good case with a piece changed is imported or refused", () => {
    const good = fc.constantFrom(...IMPORTED.map(([, text]) => text));
    const change = fc.record({ text: good, at: fc.nat(), cut: fc.nat(8), put: fc.array(fragment, { maxLength: 3 }) });
    fc.assert(
      fc.property(change, ({ text, at, cut, put }) => {
        const from = at % text.length;
        importsOrRefuses(text.slice(0, from) + put.join("") + text.slice(from + cut));
      }),
      { numRuns: 1000 },
    );
  });

  it("of any characters is imported or refused", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), importsOrRefuses));
  });

  it("that nests or doubles without end is refused", () => {
    for (const text of [
      `x = ${"(".repeat(100_000)}`,
      `x = ${"[".repeat(100_000)}`,
      `x = ${"-".repeat(100_000)}1`,
      `x = 1${"^-1".repeat(100_000)}`,
      `x = {${"{".repeat(100_000)}`,
      `x = [1 2];\n${"x = [x x];\n".repeat(100)}`,
      "x = [1:1e9];",
      "mpc.bus = [1 2];\nmpc.bus(1:1e15, 1) = 0;",
    ])
      expect(() => importMatpower(text), text.slice(0, 20)).to.throw(MatpowerError);
  });
});
