/** Mutants of the markets and their registry that do what the original does, each with the reason. */
import { BEHIND, type Changes, EITHER, NO_RECORD, ZERO } from "./equivalentReasons.ts";

const SAME_SIGN = "they differ at zero alone, and minus zero is zero";
const ASSERTED = "what is added to one account is taken from another, so each sum is zero whatever the batch";

export const IN_MARKETS: Changes = {
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
  "types/Mandate.sol": [
    [
      "if (nano > day || mandate.prosumer == OPERATOR) nano = day;",
      "if (nano >= day || mandate.prosumer == OPERATOR) nano = day;",
      EITHER,
    ],
    ["return price > 0 ? uint256(price) : 0;", "return price >= 0 ? uint256(price) : 0;", ZERO],
  ],
  "market/Mandates.sol": [
    [
      "function _registerMandate(Mandate calldata mandate, bytes calldata signature) internal nonReentrant whenSealed {",
      "function _registerMandate(Mandate calldata mandate, bytes calldata signature) internal whenSealed {",
      "a wallet that is a contract is asked by a static call, and whatever that calls can change nothing",
    ],
  ],
  "market/Accounts.sol": [
    [
      "uint256 left = owned > leaving.queued ? owned - leaving.queued : 0;",
      "uint256 left = owned >= leaving.queued ? owned - leaving.queued : 0;",
      ZERO,
    ],
    [
      "if (leaving.queued > 0) _moveQueued(id);",
      "if (leaving.queued >= 0) _moveQueued(id);",
      "where nothing is queued nothing is moved, and what was there is written again",
    ],
    ["return held > kept ? held - kept : 0;", "return held >= kept ? held - kept : 0;", ZERO],
    [
      "if (tokens > leaving.queued) tokens = leaving.queued;",
      "if (tokens >= leaving.queued) tokens = leaving.queued;",
      EITHER,
    ],
    [
      "if (queued > left / NANO_PER_TOKEN) queued = left / NANO_PER_TOKEN;",
      "if (queued >= left / NANO_PER_TOKEN) queued = left / NANO_PER_TOKEN;",
      EITHER,
    ],
  ],
  "market/Market.sol": [
    [
      "for (uint256 k; k < ids.length / 4; ++k) {",
      "for (uint256 k; k <= ids.length / 4; ++k) {",
      "what an account more comes to is written where nothing is allocated yet",
    ],
    [
      "word = (carbon > 0 ? uint256(carbon) << 128 : 0) | uint64(word);",
      "word = (carbon >= 0 ? uint256(carbon) << 128 : 0) | uint64(word);",
      ZERO,
    ],
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
      "int256 freeG = carbon > lockedG ? carbon - lockedG : int256(0);",
      "int256 freeG = carbon >= lockedG ? carbon - lockedG : int256(0);",
      ZERO,
    ],
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
  "market/StandingPosts.sol": [
    [
      "return _standing.loads != address(0) && _standing.ordinal == current.ordinal;",
      "return _standing.ordinal == current.ordinal;",
      "ordinals begin with one: where nothing was ever posted no session is named",
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
      "for {} lt(cursor, end) {",
      "for {} iszero(gt(cursor, end)) {",
      "read as a trade the next group's head has a seller beyond the 256 that a feeder holds",
      1,
    ],
    [
      "for {} lt(cursor, end) {",
      "for {} iszero(gt(cursor, end)) {",
      "read as a trade the next group's head has a seller beyond the 256 that a feeder holds",
      2,
    ],
    [
      "for {} lt(cursor, end) {",
      "for {} iszero(gt(cursor, end)) {",
      "behind the last group are zeros or the length of what comes next, which is no trade's key",
      3,
    ],
    [
      "for {} lt(cursor, end) {",
      "for {} iszero(gt(cursor, end)) {",
      "read as a charge the next group's head is not the operator's: its first byte is a product",
      4,
    ],
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
  "libraries/FrozenTable.sol": [
    [
      "if (table.base == address(0) || FEW * count > table.replaced.length) return CodeBlob.write(table.entries);",
      "if (FEW * count > table.replaced.length) return CodeBlob.write(table.entries);",
      "in a table without a base every entry is replaced",
    ],
    [
      "for (uint256 offset; offset < entries.length; offset += ENTRY) {",
      "for (uint256 offset; offset <= entries.length; offset += ENTRY) {",
      BEHIND,
    ],
    [
      "for (; walk.offset < walk.entries.length; walk.offset += ENTRY) {",
      "for (; walk.offset <= walk.entries.length; walk.offset += ENTRY) {",
      BEHIND,
    ],
  ],
  "libraries/Ledger.sol": [
    [
      "for {} lt(record, end) {} {",
      "for {} iszero(gt(record, end)) {} {",
      "one record more is written where nothing is allocated yet, and of one that is refused nobody is named",
      1,
    ],
    ["if slt(money, 0) {", "if iszero(sgt(money, 0)) {", ZERO],
    [
      "most := mul(mul(sub(most, spent), gt(most, spent)), NANO_PER_MICRO)",
      "most := mul(mul(sub(most, spent), iszero(lt(most, spent))), NANO_PER_MICRO)",
      ZERO,
    ],
    ["if slt(due, money) {", "if iszero(sgt(due, money)) {", EITHER],
    ["due := or(due, sub(0, gt(due, U32)))", "due := or(due, sub(0, iszero(lt(due, U32))))", EITHER],
    [
      "for (uint256 k; k < SYSTEMS; ++k) {",
      "for (uint256 k; k <= SYSTEMS; ++k) {",
      "`systems` is at most 7, so there is no fourth account to open",
      1,
    ],
    [
      "for (uint256 k; k < SYSTEMS; ++k) {",
      "for (uint256 k; k <= SYSTEMS; ++k) {",
      "`systems` is at most 7, so there is no fourth account to close",
      2,
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
  "rules/PlainAccounts.sol": [
    [
      "if (book.positions[k][t].energyWh > 0) soldWh += uint256(book.positions[k][t].energyWh);",
      "if (book.positions[k][t].energyWh >= 0) soldWh += uint256(book.positions[k][t].energyWh);",
      ZERO,
    ],
    ["bool buys = held.energyWh < 0;", "bool buys = held.energyWh <= 0;", ZERO],
    [
      "if (book.carbonMoney[k] < -grams * (grams < 0 ? limits.minCarbonPrice : limits.maxCarbonPrice))",
      "if (book.carbonMoney[k] < -grams * (grams <= 0 ? limits.minCarbonPrice : limits.maxCarbonPrice))",
      ZERO,
    ],
    [
      "if (uint256(grams < 0 ? -grams : grams) > limits.maxCarbonG)",
      "if (uint256(grams <= 0 ? -grams : grams) > limits.maxCarbonG)",
      SAME_SIGN,
    ],
    [
      "int256 most = cap > spent ? int256(cap - spent) * NANO_PER_MICRO : int256(0);",
      "int256 most = cap >= spent ? int256(cap - spent) * NANO_PER_MICRO : int256(0);",
      ZERO,
    ],
    [
      "if (money < 0) spent += uint256((-money + NANO_PER_MICRO - 1) / NANO_PER_MICRO);",
      "if (money <= 0) spent += uint256((-money + NANO_PER_MICRO - 1) / NANO_PER_MICRO);",
      "nothing, rounded up to a whole micro-dollar, is nothing",
    ],
    ["if (money > int256(due)) due = uint256(money);", "if (money >= int256(due)) due = uint256(money);", EITHER],
    [
      "account.held = due > type(uint32).max ? type(uint32).max : uint32(due);",
      "account.held = due >= type(uint32).max ? type(uint32).max : uint32(due);",
      EITHER,
    ],
    ["assert(energy == 0 && reserve == 0);", "assert(energy == 0);", ASSERTED],
    ["assert(energy == 0 && reserve == 0);", "assert(reserve == 0);", ASSERTED],
    ["assert(money == 0 && carbon == 0);", "assert(money == 0);", ASSERTED],
    ["assert(money == 0 && carbon == 0);", "assert(carbon == 0);", ASSERTED],
  ],
  "rules/PlainPayload.sol": [
    [
      "if (payload.length < head || systems > 7) revert ISettlementErrors.PayloadLength(payload.length);",
      "if (systems > 7) revert ISettlementErrors.PayloadLength(payload.length);",
      "a payload that ends in its head has no trade that could end where it does: it is refused by that alike",
    ],
    [
      "if (payload.length - offset < GROUP_BYTES) revert ISettlementErrors.PayloadLength(payload.length);",
      "if (payload.length - offset <= GROUP_BYTES) revert ISettlementErrors.PayloadLength(payload.length);",
      "a group's head that nothing follows is empty or longer than the payload, and refused by what follows alike",
    ],
  ],
  "rules/PlainRules.sol": [
    [
      "for (uint256 offset; offset < terms.standing.length;) {",
      "for (uint256 offset; offset <= terms.standing.length;) {",
      BEHIND,
    ],
    [
      "for (uint256 k; k < book.participants; ++k) {",
      "for (uint256 k; k <= book.participants; ++k) {",
      "what is one too many is written over by the first home",
    ],
    [
      "for (uint256 k; k < book.participants; ++k) if (book.ids[k] == home.id) return injection;",
      "for (uint256 k; k <= book.participants; ++k) if (book.ids[k] == home.id) return injection;",
      "what is one too many is the desk, and no home has its id",
    ],
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
