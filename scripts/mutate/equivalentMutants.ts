/** Mutants that do what the original does, each with the reason. */
import type { Mutant } from "./mutants.ts";

type Equivalent = Pick<Mutant, "file" | "before" | "after"> & { readonly because: string };

/** Lines without their indentation. */
type Change = readonly [before: string, after: string, because: string];

const SAME_SIGN = "they differ at zero alone, and minus zero is zero";
const SAME_EXTREME = "an extreme replaced by its equal stays what it is";
const ASSERTED = "what is added to one account is taken from another, so each sum is zero whatever the batch";
const NO_PERIOD = "the group differs in period 0 alone, and only that of the whole session, 63, is asked for";
const NO_RECORD = "a party equal to the number of participants does not take part, and was refused as unknown";
const BOTH_ZERO = "the first key after a group has 0 for both parties, and a trade with oneself ends the loop as well";

const CHANGES: Readonly<Record<string, readonly Change[]>> = {
  "libraries/Quorum.sol": [
    [
      "signed := and(and(called, eq(mload(0), key)), iszero(gt(s, MAX_S)))",
      "signed := and(eq(mload(0), key), iszero(gt(s, MAX_S)))",
      "a call that fails leaves the zero that was stored before it, and no key is zero",
    ],
  ],
  "libraries/CodeBlob.sol": [
    [
      "if (data.length > MAX_LENGTH) revert BlobTooLong(data.length);",
      "if (data.length >= MAX_LENGTH) revert BlobTooLong(data.length);",
      "keys, mandates and grid models are all of even length, and the largest length is odd",
    ],
  ],
  "market/Parties.sol": [
    [
      "if (failure != ECDSA.RecoverError.NoError || signer != key) revert NoProofOfPossession(key);",
      "if (signer != key) revert NoProofOfPossession(key);",
      "a recovery that fails gives the zero address, and a zero key was refused before",
    ],
  ],
  "market/Committees.sol": [
    [
      "for (uint256 j; j < i; ++j) if (wallets[j] == member.wallet) revert CommitteeSharesWallet(ids[i], ids[j]);",
      "for (uint256 j; j <= i; ++j) if (wallets[j] == member.wallet) revert CommitteeSharesWallet(ids[i], ids[j]);",
      "its own place is still zero, and no wallet is",
    ],
    [
      "for (uint256 bit; bit < seated.members; ++bit) {",
      "for (uint256 bit; bit <= seated.members; ++bit) {",
      "what lies behind the last key in memory is no member's",
    ],
  ],
  "market/Authority.sol": [
    [
      "if (isSealed && role == ADMIN_ROLE && delay < EXIT_TIME) delay = uint32(EXIT_TIME);",
      "if (isSealed && role == ADMIN_ROLE && delay <= EXIT_TIME) delay = uint32(EXIT_TIME);",
      "where they are equal nothing changes",
    ],
  ],
  "market/Registry.sol": [
    [
      "if (model.length < GridModel.HEADER) revert GridModelLength(model.length);",
      "if (model.length < GridModel.HEADER) {}",
      "the length asked for next is at least the header's, so a shorter model is refused with the same error",
    ],
  ],
  "market/Sessions.sol": [
    [
      "uint256 allowed = maxSpendPerDay > spent ? maxSpendPerDay - spent : 0;",
      "uint256 allowed = maxSpendPerDay >= spent ? maxSpendPerDay - spent : 0;",
      "where they are equal their difference is zero",
    ],
    [
      "lockedMicro = uint48(allowed < covered ? allowed : covered);",
      "lockedMicro = uint48(allowed <= covered ? allowed : covered);",
      "where they are equal either is the smaller",
    ],
  ],
  "libraries/Netting.sol": [
    [
      "else if (group < 192) (cursor, last) = _reserve(frame, cursor, last);",
      "else if (group <= 192) (cursor, last) = _reserve(frame, cursor, last);",
      "group 192, carbon of period 0, was refused as an unknown period",
    ],
    [
      "if (load(cursor) >> 216 <= last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));",
      "if (load(cursor) >> 216 < last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));",
      "a group's first key equals the last one only if both are zero, and the loop refuses that key with the same error",
    ],
    ["bool mayBeWhole = group < 64 || group >= 192;", "bool mayBeWhole = group <= 64 || group >= 192;", NO_PERIOD],
    ["bool mayBeWhole = group < 64 || group >= 192;", "bool mayBeWhole = group < 64 || group > 192;", NO_PERIOD],
    [
      "let fine := and(gt(key, last), lt(key, next))",
      "let fine := and(gt(key, last), iszero(gt(key, next)))",
      BOTH_ZERO,
    ],
    [
      "mstore(seller, add(add(position, quantity), mul(beyond, sgt(beyond, 0))))",
      "mstore(seller, add(add(position, quantity), mul(beyond, iszero(slt(beyond, 0)))))",
      SAME_EXTREME,
    ],
    [
      "mstore(buyer, add(sub(position, quantity), shl(24, mul(beyond, sgt(beyond, 0)))))",
      "mstore(buyer, add(sub(position, quantity), shl(24, mul(beyond, iszero(slt(beyond, 0))))))",
      SAME_EXTREME,
    ],
    [
      "if (record < frame.participants) return uint32(load(frame.ids + 4 * record) >> 224);",
      "if (record <= frame.participants) return uint32(load(frame.ids + 4 * record) >> 224);",
      "no record is asked for its id that does not take part",
    ],
    [
      "(bool sells, bool buys) = (seller < participants, buyer < participants);",
      "(bool sells, bool buys) = (seller <= participants, buyer < participants);",
      NO_RECORD,
    ],
    [
      "(bool sells, bool buys) = (seller < participants, buyer < participants);",
      "(bool sells, bool buys) = (seller < participants, buyer <= participants);",
      NO_RECORD,
    ],
  ],
  "libraries/Ledger.sol": [
    [
      "for (uint256 k; k < frame.participants; ++k) {",
      "for (uint256 k; k <= frame.participants; ++k) {",
      "it runs only where a participant is refused, and reverts at that one",
    ],
    [
      "for (uint256 k; k < SYSTEMS; ++k) {",
      "for (uint256 k; k <= SYSTEMS; ++k) {",
      "`systems` is at most 7, so there is no fourth account to close",
    ],
    [
      "uint256 magnitude = uint256(energy < 0 ? -energy : energy);",
      "uint256 magnitude = uint256(energy <= 0 ? -energy : energy);",
      SAME_SIGN,
    ],
    [
      "charge = energy < 0 ? BIAS - charge : charge - BIAS;",
      "charge = energy <= 0 ? BIAS - charge : charge - BIAS;",
      "a charge is on a quantity that is not zero, so where the energy is, it was refused as a mismatch",
    ],
    [
      "if (magnitude > uint32(limits >> (energy < 0 ? 48 : 80)))",
      "if (magnitude > uint32(limits >> (energy <= 0 ? 48 : 80)))",
      "they differ at zero alone, which is beyond neither limit",
    ],
    [
      "if (carbon < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);",
      "if (carbon <= 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);",
      "it runs only for an account that is refused, and nothing refuses one that has zero grams by then",
    ],
  ],
  "libraries/GridCheck.sol": [
    [
      "if gt(add(active, reactive), rating) {",
      "if iszero(lt(add(active, reactive), rating)) {",
      "the diamond's edge is within the 12-gon, so what follows accepts it: gas alone",
    ],
  ],
  "rules/PlainRules.sol": [
    [
      "if (!seller.sold || trade.price < seller.minSellPrice) seller.minSellPrice = trade.price;",
      "if (!seller.sold || trade.price <= seller.minSellPrice) seller.minSellPrice = trade.price;",
      SAME_EXTREME,
    ],
    [
      "if (!buyer.bought || trade.price > buyer.maxBuyPrice) buyer.maxBuyPrice = trade.price;",
      "if (!buyer.bought || trade.price >= buyer.maxBuyPrice) buyer.maxBuyPrice = trade.price;",
      SAME_EXTREME,
    ],
    [
      "uint256 magnitude = uint256(held.energyWh < 0 ? -held.energyWh : held.energyWh);",
      "uint256 magnitude = uint256(held.energyWh <= 0 ? -held.energyWh : held.energyWh);",
      SAME_SIGN,
    ],
    [
      "int256 charge = held.energyWh < 0 ? -held.chargePrice : held.chargePrice;",
      "int256 charge = held.energyWh <= 0 ? -held.chargePrice : held.chargePrice;",
      "a charge is on a quantity that is not zero, so where the energy is, it was refused as a mismatch",
    ],
    [
      "if (magnitude > (held.energyWh < 0 ? limits.maxBuyWh : limits.maxSellWh))",
      "if (magnitude > (held.energyWh <= 0 ? limits.maxBuyWh : limits.maxSellWh))",
      "they differ at zero alone, which is beyond neither limit",
    ],
    ["assert(energy == 0 && reserve == 0);", "assert(energy == 0);", ASSERTED],
    ["assert(energy == 0 && reserve == 0);", "assert(reserve == 0);", ASSERTED],
    ["assert(money == 0 && carbon == 0);", "assert(money == 0);", ASSERTED],
    ["assert(money == 0 && carbon == 0);", "assert(carbon == 0);", ASSERTED],
  ],
  "rules/PlainGrid.sol": [
    ["(p, q) = (p < 0 ? -p : p, q < 0 ? -q : q);", "(p, q) = (p <= 0 ? -p : p, q < 0 ? -q : q);", SAME_SIGN],
    ["(p, q) = (p < 0 ? -p : p, q < 0 ? -q : q);", "(p, q) = (p < 0 ? -p : p, q <= 0 ? -q : q);", SAME_SIGN],
  ],
  "reference/ReferenceMarket.sol": [
    [
      "for (uint256 bit; bit < 32; ++bit) count += (signers >> bit) & 1;",
      "for (uint256 bit; bit <= 32; ++bit) count += (signers >> bit) & 1;",
      "32 bits have no bit 32",
    ],
    ["for (uint256 bit; bit < 32; ++bit) {", "for (uint256 bit; bit <= 32; ++bit) {", "32 bits have no bit 32"],
    [
      "if (failure != ECDSA.RecoverError.NoError || signer != _member(keys, bit)) revert BadSignature(bit);",
      "if (signer != _member(keys, bit)) revert BadSignature(bit);",
      "a recovery that fails gives the zero address, and the registry takes no zero key",
    ],
  ],
};

export const EQUIVALENT: readonly Equivalent[] = Object.entries(CHANGES).flatMap(([file, changes]) =>
  changes.map(([before, after, because]) => ({ file, before, after, because })),
);

export function equivalentTo({ file, before, after }: Mutant): string | undefined {
  return EQUIVALENT.find((one) => one.file === file && one.before === before.trim() && one.after === after.trim())
    ?.because;
}
