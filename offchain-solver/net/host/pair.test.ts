import { expect } from "chai";
import fc from "fast-check";
import { batchOf, readFrame, type Frame } from "./frame.ts";
import { Pair, type Heard } from "./pair.ts";

const WINDOW = 200;
const batch = (n: number): Uint8Array => batchOf([{ from: 1, to: 2, bytes: Uint8Array.of(n) }]);
const read = (bytes: Uint8Array): Extract<Frame, { kind: "batch" }> => {
  const frame = readFrame(bytes);
  if (typeof frame === "string" || frame.kind !== "batch") throw new Error("no batch");
  return frame;
};

/** Two ends and what is under way between them on the connection there is. */
function ends() {
  const make = (life: string) => ({ pair: new Pair(life, WINDOW), flying: [] as Uint8Array[], got: [] as number[] });
  const [a, b] = [make("a"), make("b")];
  let connected = false;
  const send = (from: typeof a): void => {
    for (let next = connected ? from.pair.take() : undefined; next; next = from.pair.take())
      from.flying.push(next.slice());
  };
  return {
    a,
    b,
    send,
    /** The oldest on its way arrives, if any. */
    arrive(from: typeof a, to: typeof a): void {
      const bytes = from.flying.shift();
      if (bytes === undefined) return;
      const { number, acknowledged, envelopes } = read(bytes);
      expect(to.pair.acknowledge(acknowledged)).to.equal(true);
      expect(to.pair.accept(number)).to.equal(true);
      to.got.push(envelopes[0].bytes[0]);
      to.pair.deliver(from.pair.life, number);
      send(to);
    },
    acknowledge(from: typeof a, to: typeof a): void {
      if (connected) expect(to.pair.acknowledge(from.pair.deliveredNumber)).to.equal(true);
      send(to);
    },
    /** All that is under way is lost. */
    cut(): void {
      connected = false;
      a.flying.length = b.flying.length = 0;
    },
    connect(): void {
      this.cut();
      connected = true;
      const heard: [Heard | undefined, Heard | undefined] = [a.pair.heard, b.pair.heard];
      expect(a.pair.resume(b.pair.life, heard[1])).to.equal(true);
      expect(b.pair.resume(a.pair.life, heard[0])).to.equal(true);
      send(a);
      send(b);
    },
  };
}

describe("batches between two hosts", () => {
  const steps = fc.array(fc.constantFrom("say a", "say b", "to b", "to a", "ack a", "ack b", "cut", "connect"), {
    maxLength: 200,
  });

  it("arrive once each and in order, wherever connections break", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const world = ends();
        const { a, b } = world;
        const said: [number, number] = [0, 0];
        const say = (k: 0 | 1): void => {
          const end = [a, b][k];
          end.pair.keep(batch(said[k]++ % 256));
          world.send(end);
        };
        const act: Record<string, () => void> = {
          "say a": () => say(0),
          "say b": () => say(1),
          "to b": () => world.arrive(a, b),
          "to a": () => world.arrive(b, a),
          "ack a": () => world.acknowledge(a, b),
          "ack b": () => world.acknowledge(b, a),
          cut: () => world.cut(),
          connect: () => world.connect(),
        };
        for (const step of script) act[step]();
        world.connect();
        while (a.flying.length + b.flying.length > 0 || b.got.length < said[0] || a.got.length < said[1]) {
          world.arrive(a, b);
          world.arrive(b, a);
          world.acknowledge(a, b);
          world.acknowledge(b, a);
        }
        const all = (count: number): number[] => Array.from({ length: count }, (_, n) => n % 256);
        expect([b.got, a.got]).to.deep.equal([all(said[0]), all(said[1])]);
        world.acknowledge(a, b);
        world.acknowledge(b, a);
        expect([a.pair.unacknowledged, b.pair.unacknowledged, a.pair.heldBytes]).to.deep.equal([0, 0, 0]);
      }),
      { numRuns: 500 },
    );
  });

  it("have no more than a window under way, and at least one", () => {
    const pair = new Pair("a", WINDOW);
    pair.resume("b", undefined);
    const size = batch(0).length;
    for (let n = 0; n < 20; n++) pair.keep(batch(n));
    let flying = 0;
    while (pair.take()) flying++;
    expect(flying).to.equal(Math.floor(WINDOW / size));
    const small = new Pair("a", 1);
    small.resume("b", undefined);
    small.keep(batch(0));
    expect(small.take()).not.to.equal(undefined);
  });

  it("refuse a number out of turn, and an acknowledgement of what was never sent", () => {
    const pair = new Pair("a", WINDOW);
    pair.resume("b", undefined);
    expect([pair.accept(0), pair.accept(5), pair.accept(5), pair.accept(7), pair.accept(6)]).to.deep.equal([
      false,
      true,
      false,
      false,
      true,
    ]);
    pair.keep(batch(0));
    expect(pair.acknowledge(1)).to.equal(false);
    pair.take();
    expect([pair.acknowledge(2), pair.acknowledge(2 ** 60), pair.acknowledge(1)]).to.deep.equal([false, false, true]);
    expect(pair.resume("b", { life: "a", number: 2 })).to.equal(false);
  });

  it("go to a host that was started anew from the first that it has not acknowledged", () => {
    const pair = new Pair("a", WINDOW);
    pair.resume("b", undefined);
    for (let n = 0; n < 3; n++) pair.keep(batch(n));
    for (let n = 0; n < 3; n++) pair.take();
    pair.acknowledge(1);
    expect(pair.resume("b, anew", undefined)).to.equal(true);
    expect(read(pair.take() as Uint8Array)).to.deep.include({ number: 2, acknowledged: 0 });
    // What it is told of an earlier life of this host is nothing.
    expect(pair.resume("b, again", { life: "a, before", number: 99 })).to.equal(true);
    expect(read(pair.take() as Uint8Array).number).to.equal(2);
  });
});
