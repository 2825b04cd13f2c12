/** Mutants of deliveries and their certificates that do what the original does, each with the reason. */
import { BEHIND, type Changes, EITHER, NO_RECORD, ZERO } from "./equivalentReasons.ts";

const THE_LONG_WAY = "the way for those who cannot pay comes to the same where all can";

export const IN_DELIVERIES: Changes = {
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
  "libraries/Metering.sol": [
    [
      "bool known = length >= READINGS_HEAD && (width == NARROW || width == WIDE);",
      "bool known = length > READINGS_HEAD && (width == NARROW || width == WIDE);",
      "a head without prices is refused by what follows, with the same error",
    ],
    [
      "bool known = length >= READINGS_HEAD && (width == NARROW || width == WIDE);",
      "bool known = (width == NARROW || width == WIDE);",
      "where bytes end before their width, zeros follow them, and zero is no width",
    ],
    [
      "} lt(pointer, end) {",
      "} iszero(gt(pointer, end)) {",
      "what is written behind the last pointer is the first line's id, which is written later, or nobody's",
    ],
    ["if (energy > most) energy = most;", "if (energy >= most) energy = most;", EITHER],
    ["if (energy < -most) energy = -most;", "if (energy <= -most) energy = -most;", EITHER],
    ["int256 room = energy < 0 ? most + energy : most;", "int256 room = energy <= 0 ? most + energy : most;", ZERO],
    ["if (line.penalty > room) line.penalty = room;", "if (line.penalty >= room) line.penalty = room;", EITHER],
    ["for {} lt(cursor, end) {} {", "for {} iszero(gt(cursor, end)) {} {", BEHIND],
    ["if (!sheet.closed || due < 0) continue;", "if (!sheet.closed || due <= 0) continue;", ZERO],
    [
      "energy += deviation * Lanes.priceOf(sheet.head + READINGS_HEAD, t, deviation < 0);",
      "energy += deviation * Lanes.priceOf(sheet.head + READINGS_HEAD, t, deviation <= 0);",
      ZERO,
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
      2,
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
  "rules/PlainDelivery.sol": [
    [
      "uint256 width = readings.length < 6 ? 0 : uint8(readings[5]);",
      "uint256 width = readings.length <= 6 ? 0 : uint8(readings[5]);",
      "a head without prices is refused by what follows, with the same error",
    ],
    [
      "above[k] = one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));",
      "above[k] = one <= other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));",
      "two that are the same are in order either way",
    ],
    [
      "if (amounts[k] > 0) credits += uint256(amounts[k]);",
      "if (amounts[k] >= 0) credits += uint256(amounts[k]);",
      ZERO,
    ],
    ["if (amounts[k] < can) {", "if (amounts[k] <= can) {", EITHER],
    ["if (fund < -int256(fundHas)) {", "if (fund <= -int256(fundHas)) {", EITHER],
    [
      "if (shares.byReceivers > 0) _cut(amounts, shares, credits);",
      "if (shares.byReceivers >= 0) _cut(amounts, shares, credits);",
      "where nothing is to be cut, a cut takes nothing from anybody",
    ],
    [
      "if (read.quality == MISSING) counted = basis.closed && read.dueWh > 0 ? int256(0) : read.dueWh;",
      "if (read.quality == MISSING) counted = basis.closed && read.dueWh >= 0 ? int256(0) : read.dueWh;",
      ZERO,
    ],
    [
      "line.energy += deviation * (deviation < 0 ? price.short : price.long);",
      "line.energy += deviation * (deviation <= 0 ? price.short : price.long);",
      ZERO,
    ],
    ["if (line.energy > most) line.energy = most;", "if (line.energy >= most) line.energy = most;", EITHER],
    ["if (line.energy < -most) line.energy = -most;", "if (line.energy <= -most) line.energy = -most;", EITHER],
    [
      "int256 room = line.energy < 0 ? most + line.energy : most;",
      "int256 room = line.energy <= 0 ? most + line.energy : most;",
      ZERO,
    ],
    ["if (line.penalty > room) line.penalty = room;", "if (line.penalty >= room) line.penalty = room;", EITHER],
    ["if (amounts[k] <= 0) continue;", "if (amounts[k] < 0) continue;", ZERO],
  ],
  "reference/ReferenceDelivery.sol": [
    [
      "for (uint256 k; k < count; ++k) entries[k].nano = int128(shares.moved[k]);",
      "for (uint256 k; k <= count; ++k) entries[k].nano = int128(shares.moved[k]);",
      "the entry behind the rows' is the fund's, which is written in the next line",
    ],
    ["if (line.emissionsG < 0) {", "if (line.emissionsG <= 0) {", "of a row that has emitted nothing it is not asked"],
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
  "delivery/Connections.sol": [
    ["for (uint256 k; k < count; ++k) {", "for (uint256 k; k <= count; ++k) {", "behind the last there is no id"],
    [
      "if (wallet == address(0) || !signed) revert ConnectionBadSignature(id);",
      "if (!signed) revert ConnectionBadSignature(id);",
      "nothing is signed by the zero address: a recovery that fails is no signature, and no code is there to ask",
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
};
