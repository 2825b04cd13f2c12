// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {EXIT_TIME} from "../types/Delays.sol";
import {Parties} from "./Parties.sol";

/// Whose nodes attest, and from when. The seal, and the markets that are told when a wallet changes.
abstract contract Committees is Parties {
    uint256 private constant MIN_MEMBERS = 4;
    uint256 private constant MAX_MEMBERS = 31;
    uint256 private constant KEY_BYTES = 20;
    uint40 private constant NEVER = type(uint40).max;
    /// Stands where a member's key was. Nobody can sign for it; zero would not do, since a recovery that fails gives
    /// zero.
    address private constant NOBODY = address(type(uint160).max);

    /// The one appointed last, and until it counts the one before it.
    Committee private _latest;
    Committee private _before;
    uint32 private _epochs;
    /// Every one there has been: whoever attested a session attests what became of it.
    mapping(uint32 epoch => Committee) private _byEpoch;
    /// @inheritdoc IRegistry
    uint40 public sealedAt;
    address[] private _markets;

    /// @inheritdoc IRegistry
    function appointCommittee(uint32[] calldata ids) external restricted returns (uint32 epoch) {
        bytes memory roll = _roll(ids);
        uint40 effectiveAt = sealedAt == 0 ? NEVER : uint40(block.timestamp) + EXIT_TIME;
        if (_latest.effectiveAt <= block.timestamp) _before = _latest;
        epoch = ++_epochs;
        uint256 faulty = (ids.length - 1) / 3;
        uint8 quorum = uint8((ids.length + faulty) / 2 + 1);
        _latest = Committee(CodeBlob.write(roll), epoch, uint8(ids.length), quorum, effectiveAt);
        _byEpoch[epoch] = _latest;
        emit CommitteeAppointed(epoch, _latest.pointer, quorum, effectiveAt, ids);
    }

    /// @inheritdoc IRegistry
    function seal(address[] calldata markets) external {
        if (msg.sender != authority()) revert NotAuthority(msg.sender);
        if (sealedAt != 0) revert AlreadySealed(sealedAt);
        if (_latest.pointer == address(0)) revert NoCommittee();
        if (markets.length == 0) revert NoMarket();
        sealedAt = uint40(block.timestamp);
        _latest.effectiveAt = sealedAt;
        _markets = markets;
        emit Sealed(markets);
    }

    /// @inheritdoc IRegistry
    function serves(address market) external view returns (bool) {
        for (uint256 i; i < _markets.length; ++i) if (_markets[i] == market) return true;
        return false;
    }

    /// @inheritdoc IRegistry
    function committee() public view returns (Committee memory seated) {
        seated = _latest;
        if (seated.effectiveAt > block.timestamp) seated = _before;
        if (seated.pointer == address(0)) revert NotSealed();
    }

    /// @inheritdoc IRegistry
    function appointedCommittee() external view returns (Committee memory) {
        return _latest;
    }

    /// @inheritdoc IRegistry
    function committeeOf(uint32 epoch) external view returns (Committee memory seated) {
        seated = _byEpoch[epoch];
        if (seated.pointer == address(0)) revert NoCommittee();
    }

    function _nodeKeyChanged(uint32 id, address from, address to) internal override {
        _reseat(id, from, to);
    }

    function _walletChanged(uint32 id) internal override {
        _reseat(id, _parties[id].nodeKey, NOBODY);
        for (uint256 i; i < _markets.length; ++i) IMarket(_markets[i]).endMandate(id);
    }

    /// Keys in the order of the bits.
    function _roll(uint32[] calldata ids) private view returns (bytes memory roll) {
        uint256 members = ids.length;
        if (members < MIN_MEMBERS || members > MAX_MEMBERS) revert CommitteeSize(members, MIN_MEMBERS, MAX_MEMBERS);
        address[] memory wallets = new address[](members);
        for (uint256 i; i < members; ++i) {
            Party memory member = _parties[ids[i]];
            if (member.wallet == address(0)) revert NotRegistered(ids[i]);
            if (sealedAt != 0 && block.timestamp < member.since + EXIT_TIME) {
                revert MemberTooRecent(ids[i], member.since + EXIT_TIME);
            }
            for (uint256 j; j < i; ++j) if (wallets[j] == member.wallet) revert CommitteeSharesWallet(ids[i], ids[j]);
            wallets[i] = member.wallet;
            roll = abi.encodePacked(roll, member.nodeKey);
        }
    }

    /// In the committee that counts and in one that is announced.
    function _reseat(uint32 id, address from, address to) private {
        if (_latest.effectiveAt > block.timestamp) _replaceMember(_before, id, from, to);
        _replaceMember(_latest, id, from, to);
    }

    /// A key is one party's alone, so it says whose seat it is. A session that is open keeps the keys it was frozen
    /// with: it has a copy of the pointer.
    function _replaceMember(Committee storage seated, uint32 id, address from, address to) private {
        if (seated.pointer == address(0)) return;
        bytes memory roll = CodeBlob.read(seated.pointer);
        for (uint256 bit; bit < seated.members; ++bit) {
            if (_keyAt(roll, bit) != from) continue;
            _setKey(roll, bit, to);
            uint32 previous = seated.epoch;
            (seated.pointer, seated.epoch) = (CodeBlob.write(roll), ++_epochs);
            _byEpoch[seated.epoch] = seated;
            emit MemberChanged(seated.epoch, previous, seated.pointer, id, bit, to);
        }
    }

    function _keyAt(bytes memory roll, uint256 bit) private pure returns (address key) {
        // Bound: bit < members, and a roll has 20 bytes for each: the word that ends with the key starts in the roll or
        // its length.
        assembly ("memory-safe") {
            key := shr(96, shl(96, mload(add(add(roll, KEY_BYTES), mul(bit, KEY_BYTES)))))
        }
    }

    function _setKey(bytes memory roll, uint256 bit, address key) private pure {
        // Bound: as above; the 12 bytes before the key are kept.
        assembly ("memory-safe") {
            let at := add(add(roll, KEY_BYTES), mul(bit, KEY_BYTES))
            mstore(at, or(shl(160, shr(160, mload(at))), key))
        }
    }
}
