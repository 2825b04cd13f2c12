import { expect } from "chai";
import { concat, getBytes, toBeHex } from "ethers";
import { baseOf, decodeTable } from "./frozenTable.ts";

/** An entry with a number of its own in every field, written by hand from the layout. */
const entry = (id: number, place: number, n: bigint): string =>
  concat([
    toBeHex(id, 4),
    toBeHex(place, 2),
    "0x0000000000",
    toBeHex(n + 1n, 3),
    toBeHex(n + 2n, 3),
    toBeHex(n + 3n, 5),
    toBeHex(n + 4n, 6),
    toBeHex(n + 5n, 4),
    toBeHex(n + 6n, 2),
    toBeHex(2n ** 24n - n, 3),
    toBeHex(n + 7n, 3),
    toBeHex(n + 8n, 4),
    toBeHex(n + 9n, 3),
    toBeHex(2n ** 24n - n - 1n, 3),
    toBeHex(n + 10n, 4),
    toBeHex(n + 11n, 4),
    toBeHex(2n ** 24n - n - 2n, 3),
    toBeHex(n + 12n, 3),
  ]);
const read = (id: number, n: bigint): object => ({
  id,
  feedVar: Number(n) + 1,
  absorbVar: Number(n) + 2,
  validUntil: n + 3n,
  maxSpendPerDay: n + 4n,
  maxCarbonG: n + 5n,
  minCarbonPrice: -n,
  maxCarbonPrice: n + 7n,
  maxReserveW: n + 8n,
  maxReservePrice: n + 9n,
  minReservePrice: -n - 1n,
  maxSellW: n + 10n,
  maxBuyW: n + 11n,
  minSell: -n - 2n,
  maxBuy: n + 12n,
});

describe("a table of mandates", () => {
  const whole = getBytes(concat([entry(101, 0, 100n), entry(102, 1, 200n), entry(0xffffffff, 2, 300n)]));
  const address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

  it("is read field by field, whole", () => {
    expect(baseOf(whole)).to.equal(undefined);
    expect([...decodeTable(whole).values()]).to.deep.equal([read(101, 100n), read(102, 200n), read(0xffffffff, 300n)]);
  });

  it("is read with what was replaced of it, beside the address of the whole", () => {
    const later = getBytes(concat([address, entry(102, 1, 900n)]));
    expect(baseOf(later)).to.equal(address);
    expect([...decodeTable(whole, later).values()]).to.deep.equal([
      read(101, 100n),
      read(102, 900n),
      read(0xffffffff, 300n),
    ]);
  });
});
