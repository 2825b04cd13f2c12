// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Account} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";

/// What is traded, in the order of a payload.
enum Product {
    Network,
    Energy,
    Reserve,
    Carbon
}

/// A trade of the payload; parties are places in the book once it is checked.
struct Trade {
    uint48 key;
    Product product;
    uint256 period;
    uint256 seller;
    uint256 buyer;
    uint256 quantity;
    int256 price;
}

/// One account in one period; money in nano-dollars, of energy and network alone.
struct Position {
    int256 energyWh;
    uint256 reserveSoldW;
    uint256 reserveBoughtW;
    int256 money;
    uint256 chargedWh;
    int256 reactiveVar;
}

/// Accounts in the order of the payload: its participants, then desk, operator and utility.
struct Book {
    uint256 participants;
    uint32[] ids;
    bool[] present;
    Account[] accounts;
    Limits[] limits;
    int256[] money;
    /// Grams received, and the money for them.
    int256[] carbon;
    int256[] carbonMoney;
    Position[][] positions;
}

/// What of the session and the chain the rules depend on.
struct Terms {
    uint256 periods;
    uint256 periodSeconds;
    uint40 start;
    uint24 priceCap;
    /// 1e-6 $ per kWh that is sold and not delivered.
    uint24 imbalancePrice;
    /// UTC days on which the current epoch of what is held began, and the one before it (types/Session.sol).
    uint16 epochDay;
    uint16 beforeDay;
    bytes grid;
    /// Whether it was posted what those load who take no part, and what: see libraries/StandingLoads.sol.
    bool standingKnown;
    bytes standing;
}

uint256 constant SESSION_PERIOD = 255;
uint256 constant SYSTEMS = 3;
