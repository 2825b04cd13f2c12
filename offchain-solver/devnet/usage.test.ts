import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { Registry, collectDefaultMetrics } from "prom-client";
import { growthOf, usageOf, type Usage } from "./usage.ts";

const usage = (party: number, residentMb: number, handles = 20): Usage => ({
  party,
  residentMb,
  heapMb: residentMb / 2,
  handles,
});

describe("what the processes of a devnet hold", () => {
  it("is read from what each says of itself; one that is down says nothing", async () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const server = createServer((_, response) => void registry.metrics().then((text) => response.end(text)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const [one, ...rest] = await usageOf(
      new Map([
        [7, port],
        [8, 1],
      ]),
    );
    expect(rest).to.deep.equal([]);
    expect(one.party).to.equal(7);
    const { rss, heapUsed } = process.memoryUsage();
    expect(one.residentMb).to.be.within(0.5 * (rss / 2 ** 20), 2 * (rss / 2 ** 20));
    expect(one.heapMb).to.be.within(0.3 * (heapUsed / 2 ** 20), 3 * (heapUsed / 2 ** 20));
    expect(one.handles).to.be.greaterThan(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("grows where the least of a later part is more, not where one session was large", () => {
    const flat = Array.from({ length: 20 }, (_, k) => [usage(1, k % 4 === 0 ? 90 : 100), usage(2, k < 5 ? 50 : 80)]);
    expect(growthOf(flat)).to.deep.equal({ residentMb: 0, heapMb: 0, handles: 0 });
    const leaks = Array.from({ length: 20 }, (_, k) => [usage(1, 100), usage(2, 80 + 2 * k, 20 + k)]);
    // From sessions 6 to 10 on to the last five.
    expect(growthOf(leaks)).to.deep.equal({ residentMb: 20, heapMb: 10, handles: 10 });
    expect(growthOf(leaks.slice(0, 7))).to.equal(undefined);
  });
});
