// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// What a row of readings comes to.
struct Line {
    uint32 id;
    /// Thousandths of a dollar.
    uint256 released;
    int256 emissionsG;
    /// Nano-dollars received, the other side is the utility; paid to the insurance fund; the most that either side of
    /// the sum may be.
    int256 energy;
    int256 penalty;
    uint256 most;
}

struct Bill {
    Line[] lines;
    /// Hash of the readings, and Merkle root of their rows.
    bytes32 readings;
    bytes32 rows;
    uint256 allowancePrice;
    /// Every value of every row is measured.
    bool measured;
}

/// What readings are measured against.
struct Basis {
    uint256 periods;
    uint256 periodSeconds;
    /// A missing value counts as nothing delivered.
    bool closed;
    uint256 multiple;
    /// Most that a kWh costs that is short, 1e-6 $, as the session was frozen with.
    uint256 imbalancePrice;
    /// A ConnectionTable.
    bytes connections;
}

/// What of the amounts could be moved, and who bore the rest.
struct Shares {
    int256[] moved;
    int256 fund;
    uint256 byFund;
    uint256 byReceivers;
}
