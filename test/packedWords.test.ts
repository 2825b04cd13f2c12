/**
 * The words that `settle` packs several fields into, by the assembly of the contracts themselves: every sum of trades
 * in words of few bits, and the ends of every field in words of 256.
 */
import { expect } from "chai";
import { lines, machine, source, type Names } from "./support/yul.ts";

const NETTING = source("libraries/Netting.sol");
const LEDGER = source("libraries/Ledger.sol");
const FRAME = source("libraries/Frame.sol");
const constant = (name: string): bigint => {
  const found = new RegExp(`constant ${name} = (\\d+);`).exec(FRAME)?.[1];
  if (found === undefined) throw new Error(`no constant ${name}`);
  return BigInt(found);
};

/** Bits of a period's fields, the lowest first. */
type Widths = { money: number; charged: number; sold: number; bought: number; energy: number };
const WIDE: Widths = { money: 72, charged: 32, sold: 48, bought: 48, energy: 56 };
const FEW: Widths = { money: 6, charged: 2, sold: 3, bought: 3, energy: 4 };

const mask = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** An expression that stands in the source, with a word in the place of what is read from memory. */
function standing(text: string, expression: string): string {
  if (!text.includes(expression)) throw new Error(`the source has no ${expression}`);
  return expression.replace(/mload\(\w+\)/, "word");
}

/** What the period's assembly does, in words as wide as the fields together. */
function periodWords({ money, charged, sold, bought, energy }: Widths) {
  const names: Names = {
    CHARGED_WH: BigInt(money),
    RESERVE_SOLD: BigInt(money + charged),
    RESERVE_BOUGHT: BigInt(money + charged + sold),
    ENERGY: BigInt(money + charged + sold + bought),
    "255": BigInt(money + charged + sold + bought + energy - 1),
    // The byte of the money's sign.
    "8": BigInt(money - 1),
    "0xffffffff": mask(charged),
    "0xffffffffffff": mask(sold),
  };
  const { parse, run, wrap, signed } = machine(money + charged + sold + bought + energy, names);
  const [change] = lines(NETTING, "let change := add(shl(ENERGY", "let change := add(shl(ENERGY");
  const unpack = [
    ...lines(LEDGER, "let money := signextend(8, word)", "let charged := and(shr(CHARGED_WH"),
    `sold := ${standing(LEDGER, "and(shr(RESERVE_SOLD, word), 0xffffffffffff)")}`,
    `bought := ${standing(LEDGER, "and(shr(RESERVE_BOUGHT, word), 0xffffffffffff)")}`,
  ];
  const mismatch = standing(LEDGER, "mul(charged, xor(charged, magnitude))");
  return {
    wrap,
    signed,
    change: run([change]),
    sells: parse(standing(NETTING, "add(mload(seller), change)").replace("seller", "word")),
    buys: parse(standing(NETTING, "sub(mload(buyer), change)")),
    sellsReserve: parse(standing(NETTING, "add(mload(seller), shl(RESERVE_SOLD, quantity))")),
    buysReserve: parse(standing(NETTING, "add(mload(buyer), shl(RESERVE_BOUGHT, quantity))")),
    charge: parse(standing(NETTING, "sub(add(mload(buyer), shl(CHARGED_WH, quantity)), nano)")),
    unpack: run([...unpack, `mismatch := ${mismatch}`]),
  };
}

type Fields = { energy: bigint; money: bigint; charged: bigint; sold: bigint; bought: bigint };

/** `word` must read as `fields`, whatever signs they have. */
function check({ unpack, signed }: ReturnType<typeof periodWords>, word: bigint, fields: Fields): void {
  const read = unpack({ word });
  const { energy, money, charged, sold, bought } = fields;
  const magnitude = energy < 0n ? -energy : energy;
  const same =
    signed(read.energy) === energy &&
    signed(read.money) === money &&
    read.charged === charged &&
    read.sold === sold &&
    read.bought === bought &&
    read.magnitude === magnitude &&
    (read.mismatch !== 0n) === (charged !== 0n && charged !== magnitude);
  const say = (values: object): string => JSON.stringify(values, (_, value) => `${value as string}`.slice(0, 200));
  if (!same) expect.fail(`${say({ ...fields })} reads as ${say({ ...read })}`);
}

/** One trade of energy: what it adds to a word, and to its fields. */
type Added = { readonly sells: boolean; readonly quantity: bigint; readonly price: bigint };

describe("words of several fields", () => {
  it("read as the sums of what was added, in few bits: every two trades, charge and reserve either way", () => {
    const words = periodWords(FEW);
    const { wrap } = words;
    const trades: Added[] = [true, false].flatMap((sells) =>
      [0n, 1n, 2n, 3n].flatMap((quantity) => [-3n, -1n, 0n, 2n].map((price) => ({ sells, quantity, price }))),
    );
    let tried = 0;
    for (const first of trades)
      for (const second of trades) {
        let [word, energy, money] = [0n, 0n, 0n];
        for (const { sells, quantity, price } of [first, second]) {
          const { change } = words.change({ quantity, price: wrap(price) });
          word = (sells ? words.sells : words.buys)({ word, change });
          energy += sells ? quantity : -quantity;
          money += (sells ? 1n : -1n) * quantity * price;
        }
        for (let charged = 0n; charged < 4n; charged++)
          for (let reserve = 0n; reserve < 64n; reserve += charged === 1n ? 1n : 7n) {
            const nano = -charged * 2n;
            const [sold, bought] = [reserve >> 3n, reserve & 7n];
            let now = words.charge({ word, quantity: charged, nano: wrap(nano) });
            now = words.sellsReserve({ word: now, quantity: sold });
            now = words.buysReserve({ word: now, quantity: bought });
            check(words, now, { energy, money: money - nano, charged, sold, bought });
            tried++;
          }
      }
    expect(tried).to.equal(32 * 32 * (64 + 3 * 10));
  });

  it("read as what they are made of, in few bits: every value of every field", () => {
    const words = periodWords(FEW);
    let tried = 0;
    for (let energy = -8n; energy < 8n; energy++)
      for (let money = -32n; money < 32n; money++)
        for (let rest = 0n; rest < 256n; rest++) {
          const [charged, sold, bought] = [rest & 3n, (rest >> 2n) & 7n, rest >> 5n];
          const word = words.wrap((energy << 14n) + (bought << 11n) + (sold << 8n) + (charged << 6n) + money);
          check(words, word, { energy, money, charged, sold, bought });
          tried++;
        }
    expect(tried).to.equal(2 ** 18);
  });

  it("read as what they are made of, in 256 bits: the ends of every field, as far as a session reaches", () => {
    const words = periodWords(WIDE);
    for (const [name, at] of [
      ["CHARGED_WH", WIDE.money],
      ["RESERVE_SOLD", WIDE.money + WIDE.charged],
      ["RESERVE_BOUGHT", WIDE.money + WIDE.charged + WIDE.sold],
      ["ENERGY", 256 - WIDE.energy],
    ] as const)
      expect(constant(name), name).to.equal(BigInt(at));
    // 2^15 - 1 trades of less than 2^32 at prices within 2^23, energy and charges alike.
    const [trades, quantity, price] = [mask(15), mask(32), mask(23)];
    const ends = (most: bigint): bigint[] => [-most, 1n - most, -1n, 0n, 1n, most - 1n, most];
    expect(2n * trades * quantity * price < 1n << 71n).to.equal(true);
    for (const energy of ends(trades * quantity))
      for (const money of ends(2n * trades * quantity * price))
        for (const charged of [0n, 1n, quantity])
          for (const sold of [0n, 1n, trades * quantity])
            for (const bought of [0n, 1n, trades * quantity]) {
              const [e, m] = [words.wrap(energy << 200n), words.wrap(money)];
              const word = words.wrap(e + (bought << 152n) + (sold << 104n) + (charged << 72n) + m);
              check(words, word, { energy, money, charged, sold, bought });
            }
  });

  it("of allowances read as grams and their money: few bits exhaustively, the ends in 256", () => {
    for (const [bits, low] of [
      [16, 7],
      [256, 64],
    ] as const) {
      const { parse, run, wrap, signed } = machine(bits, { "64": BigInt(low), "7": BigInt(low - 1) });
      const [change] = lines(NETTING, "let change := sub(shl(64", "let change := sub(shl(64");
      const made = run([change]);
      const sells = parse(standing(NETTING, "add(mload(seller), change)"));
      const buys = parse(standing(NETTING, "sub(mload(buyer), change)"));
      const grams = parse(standing(LEDGER, "signextend(7, word)"));
      const paid = parse(standing(LEDGER, "sar(64, sub(word, received))"));
      const small = bits === 16;
      const quantities = small ? Array.from({ length: 16 }, (_, k) => BigInt(k)) : [0n, 1n, mask(15) * mask(32)];
      const prices = small ? [-7n, -2n, -1n, 0n, 1n, 7n] : [-mask(23), -1n, 0n, 1n, mask(23)];
      for (const first of quantities)
        for (const second of quantities)
          for (const price of prices)
            for (const other of prices) {
              let word = sells({ word: 0n, ...made({ quantity: first, price: wrap(price) }) });
              word = buys({ word, ...made({ quantity: second, price: wrap(other) }) });
              const received = grams({ word });
              expect(signed(received)).to.equal(second - first);
              expect(signed(paid({ word, received }))).to.equal(first * price - second * other);
            }
    }
  });
});
