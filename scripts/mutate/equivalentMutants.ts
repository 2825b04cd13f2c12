/** Mutants that do what the original does, each with the reason. */
import type { Mutant } from "./mutants.ts";

type Equivalent = Pick<Mutant, "file" | "before" | "after"> & { readonly because: string };

/** Lines without their indentation. */
type Change = readonly [before: string, after: string, because: string];

const SAME_SIGN = "they differ at zero alone, and minus zero is zero";
const ASSERTED = "what is added to one account is taken from another, so each sum is zero whatever the batch";
const EITHER = "where they are equal either is the smaller, or the larger";
const ZERO = "where it is zero, so is what follows from it either way";
const BEHIND = "what follows the table in memory is zeros or the length of what comes next, and no id";
const THE_LONG_WAY = "the way for those who cannot pay comes to the same where all can";
const NO_RECORD = "a party equal to the number of participants does not take part, and was refused as unknown";

const CHANGES: Readonly<Record<string, readonly Change[]>> = {
  "libraries/CodeBlob.sol": [
    [
      "if (data.length > MAX_LENGTH) revert BlobTooLong(data.length);",
      "if (data.length >= MAX_LENGTH) revert BlobTooLong(data.length);",
      "keys, mandates and grid models are all of even length, and the largest length is odd",
    ],
  ],
  "libraries/StandingLoads.sol": [
    [
      "while (offset < loads.length) {",
      "while (offset <= loads.length) {",
      "at the end no head is left, and the end is what is returned either way",
    ],
    [
      "if (loads.length - offset < HEAD) return offset;",
      "if (loads.length - offset <= HEAD) return offset;",
      "a head alone is refused by what follows with the same offset: it needs a value at least",
    ],
    [
      "for (uint256 t; t < periods; ++t) {",
      "for (uint256 t; t <= periods; ++t) {",
      "what one period more adds lies behind the last flow, and nobody reads it there",
    ],
  ],
  "delivery/Deliveries.sol": [
    [
      "if (from < held.contestedUntil) from = held.contestedUntil;",
      "if (from <= held.contestedUntil) from = held.contestedUntil;",
      EITHER,
    ],
  ],
  "libraries/Lanes.sol": [
    [
      "let tooSmall := mul(ONES, sub(0x1ffff, sub(take, mul(sub(take, 0x10000), gt(take, 0x10000)))))",
      "let tooSmall := mul(ONES, sub(0x1ffff, sub(take, mul(sub(take, 0x10000), iszero(lt(take, 0x10000))))))",
      EITHER,
    ],
    [
      "let tooLarge := mul(ONES, sub(0x1ffff, sub(feed, mul(sub(feed, 0xffff), gt(feed, 0xffff)))))",
      "let tooLarge := mul(ONES, sub(0x1ffff, sub(feed, mul(sub(feed, 0xffff), iszero(lt(feed, 0xffff))))))",
      EITHER,
    ],
    [
      "tooLarge := mul(or(ONES, shl(16, ONES)), mul(sub(0x7fff, renewable), lt(renewable, 0x7fff)))",
      "tooLarge := mul(or(ONES, shl(16, ONES)), mul(sub(0x7fff, renewable), iszero(gt(renewable, 0x7fff))))",
      ZERO,
    ],
    [
      "for {} lt(row, end) {",
      "for {} iszero(gt(row, end)) {",
      "a word behind the last has no period in it, and all of it is masked",
    ],
    ["if gt(add(row, 32), end) {", "if iszero(lt(add(row, 32), end)) {", "of a whole word nothing is masked"],
  ],
  "libraries/RowTree.sol": [
    ["} lt(k, count) {", "} iszero(gt(k, count)) {", "one hash more lies behind the last, and is no node"],
    [
      "let swap := mul(xor(one, other), gt(one, other))",
      "let swap := mul(xor(one, other), iszero(lt(one, other)))",
      "two that are the same are in order either way",
    ],
  ],
  "libraries/Waterfall.sol": [
    ["if (amount >= 0) {", "if (amount > 0) {", ZERO],
    ["} else if (uint256(-amount) > debitable[k]) {", "} else if (uint256(-amount) >= debitable[k]) {", EITHER],
    ["if (fund < 0 && uint256(-fund) > fundHas) {", "if (fund <= 0 && uint256(-fund) > fundHas) {", ZERO],
    ["if (fund < 0 && uint256(-fund) > fundHas) {", "if (fund < 0 && uint256(-fund) >= fundHas) {", EITHER],
    ["if (moved[k] <= 0) continue;", "if (moved[k] < 0) continue;", ZERO],
    [
      "if (above > more) low = middle + 1;",
      "if (above >= more) low = middle + 1;",
      "the least of those that bear one more is then found among those that are equal to it",
    ],
  ],
  "libraries/DueCheck.sol": [
    [
      "if (seller < participants) sold[seller * periods + period] += quantity;",
      "if (seller <= participants) sold[seller * periods + period] += quantity;",
      NO_RECORD,
    ],
    [
      "if (buyer < participants) sold[buyer * periods + period] -= quantity;",
      "if (buyer <= participants) sold[buyer * periods + period] -= quantity;",
      NO_RECORD,
    ],
  ],
  "libraries/ConnectionTable.sol": [
    [
      "if (from < table.length && _word(table, from) >> ID == id) from += CONNECTION_BYTES;",
      "if (from <= table.length && _word(table, from) >> ID == id) from += CONNECTION_BYTES;",
      BEHIND,
    ],
    [
      "if (from < table.length && _word(table, from) >> ID == id) from += CONNECTION_BYTES;",
      "if (_word(table, from) >> ID == id) from += CONNECTION_BYTES;",
      BEHIND,
    ],
    [
      "for (uint256 offset; offset < table.length; offset += CONNECTION_BYTES) {",
      "for (uint256 offset; offset <= table.length; offset += CONNECTION_BYTES) {",
      BEHIND,
    ],
    [
      "if (place == table.length || _word(table, place) >> ID != id) return;",
      "if (_word(table, place) >> ID != id) return;",
      "what lies behind the table has been taken out of it, and is not asked for twice",
    ],
  ],
  "delivery/Delivery.sol": [
    [
      "if (totals.short || unmoved) _buy(bill, debitable, entries, amounts, totals);",
      "if (totals.short) _buy(bill, debitable, entries, amounts, totals);",
      "who lacks grams is short whatever else there is, and nothing else is bought",
    ],
    [
      "if (unmoved || (fund < 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;",
      "if (unmoved || (fund <= 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;",
      ZERO,
    ],
    [
      "if (unmoved || (fund < 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;",
      "if (unmoved || (fund < 0 && uint256(-fund) >= uint128(load(from)))) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      "if (totals.energy > 0 && uint256(totals.energy) >= uint128(load(from + 64))) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      "if (totals.energy > 0) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      "if (uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (unmoved || (fund < 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;",
      "if (unmoved || (fund < 0)) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (unmoved || (fund < 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;",
      "if (unmoved || (uint256(-fund) > uint128(load(from)))) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      "if (totals.energy >= 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;",
      ZERO,
    ],
    ["mstore(add(totals, 96), slt(short, 0))", "mstore(add(totals, 96), iszero(sgt(short, 0)))", THE_LONG_WAY],
    [
      "} lt(at, end) {",
      "} iszero(gt(at, end)) {",
      "what one id more leaves behind the last is written over by the systems'",
    ],
    [
      "uint256 place = ENTRY_BYTES * (k < count ? k : k + 1);",
      "uint256 place = ENTRY_BYTES * (k <= count ? k : k + 1);",
      "the desk's, who only receives: neither its id nor what it has is asked for",
    ],
    [
      "if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;",
      "if (amount < 0 && uint256(-amount) >= uint128(has)) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;",
      "if (amount < 0) totals.short = true;",
      THE_LONG_WAY,
    ],
    [
      "if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;",
      "if (uint256(-amount) > uint128(has)) totals.short = true;",
      THE_LONG_WAY,
    ],
    ["if (missing > 0) {", "if (missing >= 0) {", "who lacks nothing buys nothing and gives all that it has"],
    [
      "int256 room = int256(line.most) + (amount < 0 ? amount : int256(0));",
      "int256 room = int256(line.most) + (amount <= 0 ? amount : int256(0));",
      ZERO,
    ],
    [
      "if (cost > room) cost = room > 0 ? room : int256(0);",
      "if (cost >= room) cost = room > 0 ? room : int256(0);",
      EITHER,
    ],
    [
      "if (cost > room) cost = room > 0 ? room : int256(0);",
      "if (cost > room) cost = room >= 0 ? room : int256(0);",
      ZERO,
    ],
    [
      "if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;",
      "if (amount <= 0 && uint256(-amount) > uint128(has)) totals.short = true;",
      ZERO,
    ],
  ],
  "types/Mandate.sol": [
    [
      "if (nano > day || mandate.prosumer == OPERATOR) nano = day;",
      "if (nano >= day || mandate.prosumer == OPERATOR) nano = day;",
      EITHER,
    ],
    ["return price > 0 ? uint256(price) : 0;", "return price >= 0 ? uint256(price) : 0;", ZERO],
  ],
  "market/Tables.sol": [
    [
      "grams = held.carbon > 0 ? uint56(held.carbon) - grams : 0;",
      "grams = held.carbon >= 0 ? uint56(held.carbon) - grams : 0;",
      "who has none has none locked",
    ],
  ],
  "market/Postings.sol": [
    [
      "if (grams < 0 && -grams > freeG && !owing) {",
      "if (grams <= 0 && -grams > freeG && !owing) {",
      "no more is locked than there is, and only the desk has less than none",
    ],
    [
      "if (grams < 0 && -grams > freeG && !owing) {",
      "if (-grams > freeG && !owing) {",
      "no more is locked than there is, and only the desk has less than none",
    ],
  ],
  "reference/ReferencePostings.sol": [
    [
      "if (entry.nano < 0) _pay(entry.id, uint256(-int256(entry.nano)), most);",
      "if (entry.nano <= 0) _pay(entry.id, uint256(-int256(entry.nano)), most);",
      "paying nothing is never more than there is",
    ],
    [
      "if (grams < 0 && uint256(-grams) > most) revert GramsBeyondFree(id, uint256(-grams), most);",
      "if (grams <= 0 && uint256(-grams) > most) revert GramsBeyondFree(id, uint256(-grams), most);",
      "giving none is never too much",
    ],
  ],
  "reference/ReferenceDelivery.sol": [
    [
      "int256 room = int256(line.most) + (amounts[k] < 0 ? amounts[k] : int256(0));",
      "int256 room = int256(line.most) + (amounts[k] <= 0 ? amounts[k] : int256(0));",
      ZERO,
    ],
    ["uint256 most = room > 0 ? uint256(room) : 0;", "uint256 most = room >= 0 ? uint256(room) : 0;", ZERO],
    ["if (cost > most) cost = most;", "if (cost >= most) cost = most;", EITHER],
  ],
  "delivery/Entries.sol": [
    [
      "bytes memory entries = id < INSURANCE ? abi.encode(from, to) : abi.encode(to, from);",
      "bytes memory entries = id <= INSURANCE ? abi.encode(from, to) : abi.encode(to, from);",
      "the fund owes itself nothing: what it cannot pay is nobody's arrears",
    ],
    ["if (left[k] >= 0) continue;", "if (left[k] > 0) continue;", "of nothing nothing is still owed"],
    [
      "if (was >= Kind.Final) line.released = line.released > old.released ? line.released - old.released : 0;",
      "if (was >= Kind.Final) line.released = line.released >= old.released ? line.released - old.released : 0;",
      ZERO,
    ],
    ["still = -owed > nano ? -owed : nano;", "still = -owed >= nano ? -owed : nano;", EITHER],
    [
      "if (k < lines.length) return lines[k].id;",
      "if (k <= lines.length) return lines[k].id;",
      "asked of who is to pay: the desk only receives",
    ],
  ],
  "market/StandingPosts.sol": [
    [
      "return _standing.loads != address(0) && _standing.ordinal == current.ordinal;",
      "return _standing.ordinal == current.ordinal;",
      "ordinals begin with one: where nothing was ever posted no session is named",
    ],
  ],
  "delivery/Connections.sol": [
    ["for (uint256 k; k < count; ++k) {", "for (uint256 k; k <= count; ++k) {", "behind the last there is no id"],
    [
      "if (wallet == address(0) || !signed) revert ConnectionBadSignature(id);",
      "if (!signed) revert ConnectionBadSignature(id);",
      "nothing is signed by the zero address: a recovery that fails is no signature, and no code is there to ask",
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
      "if (role == ADMIN_ROLE && isSealed && delay < EXIT_TIME) delay = uint32(EXIT_TIME);",
      "if (role == ADMIN_ROLE && isSealed && delay <= EXIT_TIME) delay = uint32(EXIT_TIME);",
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
  "market/State.sol": [
    [
      "nano = most > spent ? (most - spent) * NANO_PER_TOKEN : 0;",
      "nano = most >= spent ? (most - spent) * NANO_PER_TOKEN : 0;",
      "where they are equal their difference is zero",
    ],
    ["if (nano > held.deposit) nano = held.deposit;", "if (nano >= held.deposit) nano = held.deposit;", EITHER],
    [
      "uint256 owned = held.carbon > 0 ? uint56(held.carbon) : 0;",
      "uint256 owned = held.carbon >= 0 ? uint56(held.carbon) : 0;",
      ZERO,
    ],
    ["if (grams > owned) grams = owned;", "if (grams >= owned) grams = owned;", EITHER],
  ],
  "libraries/Netting.sol": [
    [
      "if (record < frame.participants) return uint32(load(frame.ids + 4 * record) >> 224);",
      "if (record <= frame.participants) return uint32(load(frame.ids + 4 * record) >> 224);",
      "no record is asked for its id that does not take part",
    ],
    [
      "(bool sells, bool buys) = (seller < frame.participants, buyer < frame.participants);",
      "(bool sells, bool buys) = (seller <= frame.participants, buyer < frame.participants);",
      NO_RECORD,
    ],
    [
      "(bool sells, bool buys) = (seller < frame.participants, buyer < frame.participants);",
      "(bool sells, bool buys) = (seller < frame.participants, buyer <= frame.participants);",
      NO_RECORD,
    ],
  ],
  "libraries/Ledger.sol": [
    [
      "for (uint256 k; k < SYSTEMS; ++k) {",
      "for (uint256 k; k <= SYSTEMS; ++k) {",
      "`systems` is at most 7, so there is no fourth account to close",
    ],
  ],
  "libraries/LedgerRefusals.sol": [
    [
      "int256 price = int24(uint24(limits >> (energy < 0 ? MAX_BUY : MAX_BUY + 24)));",
      "int256 price = int24(uint24(limits >> (energy <= 0 ? MAX_BUY : MAX_BUY + 24)));",
      ZERO,
    ],
    [
      "if (magnitude * frame.perHour > uint32(limits >> (energy < 0 ? MAX_BUY_W : MAX_SELL_W)))",
      "if (magnitude * frame.perHour > uint32(limits >> (energy <= 0 ? MAX_BUY_W : MAX_SELL_W)))",
      "no energy is more than no limit, whichever limit it is",
    ],
    [
      "int256 price = int24(uint24(limits >> (grams < 0 ? MIN_CARBON_PRICE : MIN_CARBON_PRICE - 24)));",
      "int256 price = int24(uint24(limits >> (grams <= 0 ? MIN_CARBON_PRICE : MIN_CARBON_PRICE - 24)));",
      ZERO,
    ],
    [
      "if (uint256(grams < 0 ? -grams : grams) > uint32(load(record + RECORD_CAPACITY)))",
      "if (uint256(grams <= 0 ? -grams : grams) > uint32(load(record + RECORD_CAPACITY)))",
      SAME_SIGN,
    ],
    [
      "most = most > spent ? (most - spent) * NANO_PER_MICRO : 0;",
      "most = most >= spent ? (most - spent) * NANO_PER_MICRO : 0;",
      ZERO,
    ],
    [
      "for (uint256 k; k < frame.participants; ++k) {",
      "for (uint256 k; k <= frame.participants; ++k) {",
      "it runs only where a participant is refused, and reverts at that one",
    ],
    [
      "uint256 magnitude = uint256(energy < 0 ? -energy : energy);",
      "uint256 magnitude = uint256(energy <= 0 ? -energy : energy);",
      SAME_SIGN,
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
  "carbon/CarbonCredit.sol": [
    [
      "if (measured < before) {",
      "if (measured <= before) {",
      "where they are equal the call was refused two lines before",
    ],
    ["if (owed > 0) _owedWh[id] -= owed;", "if (owed >= 0) _owedWh[id] -= owed;", "less zero is what it was"],
  ],
  "rules/PlainAccounts.sol": [
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

/** `a < b ? a : b`, the smaller or the larger of two. */
const CHOICE = /([\w.[\]]+) (<=?|>=?) ([\w.[\]]+) \? (?:\1 : \3|\3 : \1)/;
const MOVED: Readonly<Record<string, string>> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" };

function choosesAlike({ before, after }: Mutant): boolean {
  const found = CHOICE.exec(before);
  if (found === null) return false;
  const [choice, one, operator, other] = found;
  const rest = choice.slice(one.length + operator.length + other.length + 2);
  return after === before.replace(choice, () => `${one} ${MOVED[operator]} ${other}${rest}`);
}

export function equivalentTo(mutant: Mutant): string | undefined {
  const { file, before, after } = mutant;
  if (choosesAlike(mutant)) return EITHER;
  return EQUIVALENT.find((one) => one.file === file && one.before === before.trim() && one.after === after.trim())
    ?.because;
}
