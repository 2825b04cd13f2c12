import { expect } from "chai";
import type { Transport } from "../../offchain-solver/net/transport.ts";

/** A transport under test: where each party joins it, and how to wait until all that is under way has arrived. */
export type TransportUnderTest = {
  readonly transport: Transport<Uint8Array>;
  /** Resolves when every message sent has arrived and every timer rung. */
  readonly quiet: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** One that goes over connections, which can be broken. */
export type ConnectedTransport = TransportUnderTest & {
  /** Breaks all connections there are. */
  readonly disturb: () => void;
};

export type Promised = {
  /** Messages of one party to another arrive in the order in which they were sent. */
  readonly ordered: boolean;
};

/** What every transport promises (net/transport.ts), and what this one does besides; `make` starts a fresh one. */
export function transportSuite(name: string, { ordered }: Promised, make: () => Promise<TransportUnderTest>): void {
  describe(`the promises of a transport: ${name}`, () => {
    let under: TransportUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.stop());

    const joined = (self: number) => joinedTo(under, self);

    it("delivers every message once, to its party alone, under the sender's number", async () => {
      const [a, b, c] = [joined(-1), joined(0), joined(7)];
      const sent: [number, number[]][] = [];
      for (let k = 0; k < 200; k++) {
        const bytes = Uint8Array.of(k, 255 - k, k % 3);
        (k % 2 === 0 ? a : c).link.send(0, bytes);
        sent.push([k % 2 === 0 ? -1 : 7, [...bytes]]);
      }
      await under.quiet();
      const key = ([from, bytes]: [number, number[]]): string => `${from}: ${bytes.join()}`;
      expect(b.got.map(key).sort()).to.deep.equal(sent.map(key).sort());
      expect([a.got, c.got]).to.deep.equal([[], []]);
    });

    it("never delivers before send returns, nor while a party is being called", async () => {
      let [inside, nested] = [0, 0];
      const a = under.transport.join(1, { message: () => undefined, timeout: () => undefined });
      const b = under.transport.join(2, {
        message(_, bytes) {
          nested = Math.max(nested, ++inside);
          if (bytes[0] > 0) b.send(2, Uint8Array.of(bytes[0] - 1));
          inside--;
        },
        timeout: () => undefined,
      });
      a.send(2, Uint8Array.of(5));
      expect(nested).to.equal(0);
      await under.quiet();
      expect(nested).to.equal(1);
    });

    it("carries a party's message to itself, an empty one, and one of a megabyte", async () => {
      const a = joined(3);
      const large = new Uint8Array(1 << 20).map((_, k) => k % 251);
      for (const bytes of [Uint8Array.of(1), new Uint8Array(0), large]) a.link.send(3, bytes);
      await under.quiet();
      const lengths = a.got.map(([from, bytes]) => [from, bytes.length]).sort((x, y) => x[1] - y[1]);
      expect(lengths).to.deep.equal([
        [3, 0],
        [3, 1],
        [3, 1 << 20],
      ]);
      expect(a.got.find(([, bytes]) => bytes.length === 1 << 20)?.[1]).to.deep.equal([...large]);
    });

    if (ordered)
      it("keeps the order between two parties", async () => {
        const [a, b] = [joined(1), joined(2)];
        const sent = Array.from({ length: 300 }, (_, k) =>
          [k >> 8, k & 255, ...new Array<number>((k * 37) % 500)].map(Number),
        );
        for (const bytes of sent) a.link.send(2, Uint8Array.from(bytes));
        await under.quiet();
        expect(b.got.map(([, bytes]) => bytes.slice(0, 2))).to.deep.equal(sent.map((bytes) => bytes.slice(0, 2)));
      });

    it("carries messages of several megabytes, and more than any buffer holds to one that is slow", async function () {
      this.timeout(300_000);
      const a = joined(1);
      const sizes: number[] = [];
      let sum = 0;
      under.transport.join(2, {
        message(_, bytes) {
          // A slow consumer: computes while more arrives.
          for (const end = performance.now() + 3; performance.now() < end;);
          sizes.push(bytes.length);
          sum += bytes[bytes.length - 1];
        },
        timeout: () => undefined,
      });
      const large = new Uint8Array(5 << 20).fill(1);
      a.link.send(2, large);
      for (let k = 0; k < 160; k++) a.link.send(2, new Uint8Array(1 << 16).fill(1));
      await under.quiet();
      expect([Math.max(...sizes), sizes.length, sum]).to.deep.equal([5 << 20, 161, 161]);
    });

    it("drops what is for nobody, or for a party that left, and says nothing more to it", async () => {
      const [a, b] = [joined(1), joined(2)];
      b.link.setTimer(1);
      b.link.close();
      a.link.send(2, Uint8Array.of(1));
      a.link.send(99, Uint8Array.of(2));
      b.link.send(1, Uint8Array.of(3));
      await under.quiet();
      expect([a.got, b.got, b.rung]).to.deep.equal([[], [], []]);
    });

    it("rings a party's one timer once, and not when it was started anew", async () => {
      const [a, b] = [joined(1), joined(2)];
      a.link.setTimer(10_000_000);
      a.link.setTimer(1);
      b.link.setTimer(2);
      await under.quiet();
      expect([a.rung, b.rung]).to.deep.equal([["timeout"], ["timeout"]]);
    });

    it("refuses a number that is taken, and takes it again after its party left", () => {
      const a = joined(1);
      expect(() => joined(1)).to.throw(RangeError, /party 1/);
      a.link.close();
      expect(() => joined(1)).not.to.throw();
    });
  });
}

/** What one that goes over connections promises besides. */
export function connectedTransportSuite(name: string, make: () => Promise<ConnectedTransport>): void {
  transportSuite(name, { ordered: true }, make);
  describe(`the promises of a transport over connections: ${name}`, () => {
    let under: ConnectedTransport;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(() => under.stop());
    const joined = (self: number) => joinedTo(under, self);

    it("loses and doubles nothing while connections break", async function () {
      this.timeout(300_000);
      const [a, b] = [joined(1), joined(2)];
      for (let k = 0; k < 120; k++) {
        a.link.send(2, Uint8Array.of(k, ...new Array<number>(k * 10).fill(7)));
        b.link.send(1, Uint8Array.of(k));
        if (k % 30 === 29) under.disturb();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await under.quiet();
      const all = Array.from({ length: 120 }, (_, k) => k);
      const firsts = (got: [number, number[]][]): number[] => got.map(([, [first]]) => first).sort((x, y) => x - y);
      expect([firsts(a.got), firsts(b.got)]).to.deep.equal([all, all]);
    });
  });
}

function joinedTo({ transport }: TransportUnderTest, self: number) {
  const got: [from: number, bytes: number[]][] = [];
  const rung: string[] = [];
  const link = transport.join(self, {
    message: (from, bytes) => void got.push([from, [...bytes]]),
    timeout: () => void rung.push("timeout"),
  });
  return { got, rung, link };
}
