// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// The rows of readings, and what shows that one is among them, as whoever claims something of it makes it.
library RowProofs {
    /// The bytes of each row, by the lengths that docs/delivery.md says, and their hashes.
    function rowsOf(
        bytes memory readings,
        uint256 periods
    ) internal pure returns (bytes[] memory rows, bytes32[] memory leaves) {
        uint256 count = _number(readings, 0, 2);
        uint256 width = _number(readings, 5, 1);
        uint256 pairs = 2 * width * periods;
        while (pairs % 32 != 0) ++pairs;
        uint256 stride = 12 + pairs + width * periods + (periods + 3) / 4;
        (rows, leaves) = (new bytes[](count), new bytes32[](count));
        for (uint256 k; k < count; ++k) {
            rows[k] = _slice(readings, 6 + 9 * periods + k * stride, stride);
            leaves[k] = keccak256(rows[k]);
        }
    }

    /// Renewable Wh of each period that are measured, and their sum.
    function measured(bytes memory row, uint256 periods) internal pure returns (uint256[] memory wh, uint256 sum) {
        uint256 width = 2;
        // Of the two lengths that a row may have.
        while (12 + ((2 * width * periods + 31) / 32) * 32 + width * periods + (periods + 3) / 4 != row.length) ++width;
        uint256 values = 12 + ((2 * width * periods + 31) / 32) * 32;
        wh = new uint256[](periods);
        for (uint256 t; t < periods; ++t) {
            uint256 four = _number(row, values + width * periods + t / 4, 1);
            for (uint256 skipped = t % 4; skipped < 3; ++skipped) four /= 4;
            if (four % 4 == 0) wh[t] = _number(row, values + width * t, width);
            sum += wh[t];
        }
    }

    /// The nodes beside the k-th leaf's way up.
    function proofOf(bytes32[] memory nodes, uint256 k) internal pure returns (bytes32[] memory proof) {
        proof = new bytes32[](0);
        while (nodes.length > 1) {
            uint256 beside = k % 2 == 0 ? k + 1 : k - 1;
            if (beside < nodes.length) {
                bytes32[] memory longer = new bytes32[](proof.length + 1);
                for (uint256 i; i < proof.length; ++i) longer[i] = proof[i];
                longer[proof.length] = nodes[beside];
                proof = longer;
            }
            bytes32[] memory above = new bytes32[]((nodes.length + 1) / 2);
            for (uint256 i; i < above.length; ++i) {
                above[i] = nodes[2 * i];
                if (2 * i + 1 == nodes.length) continue;
                (bytes32 one, bytes32 other) = (nodes[2 * i], nodes[2 * i + 1]);
                above[i] = one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));
            }
            (nodes, k) = (above, k / 2);
        }
    }

    function _slice(bytes memory data, uint256 from, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i; i < length; ++i) part[i] = data[from + i];
    }

    function _number(bytes memory data, uint256 from, uint256 length) private pure returns (uint256 value) {
        for (uint256 i; i < length; ++i) value = 256 * value + uint8(data[from + i]);
    }
}
