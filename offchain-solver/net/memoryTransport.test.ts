import { expect } from "chai";
import { transportSuite } from "../../test/support/transportSuite.ts";
import { memoryTransport } from "./memoryTransport.ts";

for (const seed of [undefined, 1, 2])
  transportSuite(
    `memory, ${seed === undefined ? "in order" : `shuffled by ${seed}`}`,
    { ordered: seed === undefined },
    async () => {
      const transport = memoryTransport<Uint8Array>(seed);
      return { transport, quiet: async () => transport.run(), stop: async () => undefined };
    },
  );

describe("the memory transport", () => {
  it("lets time pass only when everybody waits, earliest timer first", () => {
    const transport = memoryTransport<string>();
    const told: string[] = [];
    const links = new Map(
      [1, 2].map((self) => [
        self,
        transport.join(self, {
          message(from, text) {
            told.push(`${self} hears ${text} from ${from}`);
            links.get(self)?.setTimer(5);
          },
          timeout: () => void told.push(`${self} waits no longer`),
        }),
      ]),
    );
    links.get(1)?.setTimer(3);
    links.get(2)?.setTimer(4);
    links.get(1)?.send(2, "a");
    transport.run();
    expect(told).to.deep.equal(["2 hears a from 1", "1 waits no longer", "2 waits no longer"]);
  });
});
