/** The released contracts' runtime code: written by scripts/generate/release.ts from the compiled contracts. */
import type { Release } from "./release.ts";

export const RELEASE: Release = {
  market: {
    hash: "0x96ee30a01f52ed5eec6986c993416090448c9e08872426290fa4de26cf7e90b2",
    bytes: 24379,
    gaps: [
      { length: 32, start: 466 },
      { length: 32, start: 809 },
      { length: 32, start: 4548 },
      { length: 32, start: 5365 },
      { length: 32, start: 5734 },
      { length: 32, start: 7238 },
      { length: 32, start: 7280 },
      { length: 32, start: 7529 },
      { length: 32, start: 8119 },
      { length: 32, start: 8188 },
      { length: 32, start: 19545 },
      { length: 32, start: 19683 },
      { length: 32, start: 20581 },
      { length: 32, start: 20635 },
      { length: 32, start: 20714 },
      { length: 32, start: 20752 },
      { length: 32, start: 20818 },
      { length: 32, start: 21308 },
    ],
  },
  registry: {
    hash: "0xab9a0e7c40b7ccebcd7874f0b01260c36bdb69b651ecf89a7e1f833735ca909f",
    bytes: 10389,
    gaps: [
      { length: 32, start: 5523 },
      { length: 32, start: 5564 },
      { length: 32, start: 9220 },
      { length: 32, start: 9274 },
      { length: 32, start: 9353 },
      { length: 32, start: 9391 },
      { length: 32, start: 9463 },
    ],
  },
  tableWriter: { hash: "0x470e73e8d7ef37d04972b23243161ff08fddfab1c550cae417ad0ca1a3d2e674", bytes: 3319, gaps: [] },
};
