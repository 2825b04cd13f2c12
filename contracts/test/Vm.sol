// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// What the Solidity tests ask of the machine that runs them.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function toString(uint256 value) external pure returns (string memory);
    function etch(address account, bytes calldata code) external;
    function warp(uint256 timestamp) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory logs);
}

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
