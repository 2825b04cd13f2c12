import { expect } from "chai";
import { fuzzNats, fuzzTls } from "./support/fuzzHosts.ts";

/** As many as a test may take; `npm run network:fuzz` sends 100,000 each. */
const COUNT = 400;

describe("a host that is sent what is no message", function () {
  this.timeout(300_000);

  it("over TLS drops and names the peer each time, serves the other, and holds no more than before", async () => {
    const { messages, dropped, reasons, honest, heapMb } = await fuzzTls(COUNT, 7);
    expect(messages).to.equal(COUNT);
    expect(dropped).to.be.greaterThan(COUNT / 10);
    expect(Object.values(reasons).reduce((a, b) => a + b)).to.equal(dropped);
    // Frames, the order of batches, and messages themselves were all at fault some time.
    for (const reason of [
      /frame of no known kind/,
      /do not fill it/,
      /came after/,
      /not as long as its head says/,
      /NaN/,
    ])
      expect(
        Object.keys(reasons).some((each) => reason.test(each)),
        String(reason),
      ).to.equal(true);
    expect(honest[0]).to.equal(honest[1]).and.to.be.greaterThan(3);
    expect(heapMb[1] - heapMb[0]).to.be.below(8);
  });

  it("over NATS leaves alone what nobody has sealed, and goes on with whom it talked to", async () => {
    const { dropped, honest, heapMb, reasons } = await fuzzNats(20 * COUNT, 7);
    expect(dropped).to.equal(0);
    expect(Object.keys(reasons).join())
      .to.match(/has not sealed/)
      .and.match(/no packet/);
    expect(honest[0]).to.equal(honest[1]);
    expect(heapMb[1] - heapMb[0]).to.be.below(8);
  });
});
