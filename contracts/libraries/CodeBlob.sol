// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// Immutable bytes stored as the code of a contract that cannot be called: 2,600 gas to open, 3 gas a word to read.
library CodeBlob {
    error BlobTooLong(uint256 length);
    error BlobNotStored();

    uint256 internal constant MAX_LENGTH = 24_575;

    function write(bytes memory data) internal returns (address pointer) {
        if (data.length > MAX_LENGTH) revert BlobTooLong(data.length);
        // Creation code, 10 bytes: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN.
        // What it returns is STOP and the data. Bound: size <= 24,576 fits two bytes.
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a3d393df3", hex"00", data);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 32), mload(creation))
        }
        if (pointer == address(0)) revert BlobNotStored();
    }

    function read(address pointer) internal view returns (bytes memory data) {
        // Bound: the code of `pointer` was written above, so it has at least its STOP byte.
        assembly ("memory-safe") {
            let size := sub(extcodesize(pointer), 1)
            data := mload(0x40)
            mstore(data, size)
            extcodecopy(pointer, add(data, 32), 1, size)
            mstore(0x40, add(data, and(add(size, 63), not(31))))
        }
    }
}
