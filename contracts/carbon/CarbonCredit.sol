// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC1155Supply} from "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {ICarbonCredit} from "../interfaces/ICarbonCredit.sol";
import {IDelivery} from "../interfaces/IDelivery.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CivilYear} from "../libraries/CivilYear.sol";
import {Commitment, MEASURED, NARROW, pairBytes, ROW_HEAD, rowBytes, WIDE} from "../types/Readings.sol";

/// Allowances and credits as tokens; see ICarbonCredit.
contract CarbonCredit is ICarbonCredit, ERC1155Supply, AccessManaged {
    IMarket public immutable market;
    IDelivery public immutable delivery;
    IRegistry public immutable registry;
    /// @inheritdoc ICarbonCredit
    uint256 public immutable ledgerAsset;

    mapping(uint256 asset => Asset) private _assets;
    mapping(uint32 id => Device) private _devices;
    mapping(uint32 sequence => mapping(uint32 id => uint256)) private _issuedWh;
    mapping(uint32 id => uint256) private _owedWh;
    mapping(uint256 asset => uint256) private _retired;
    uint256 private _retirements;

    /// @param ledger What the market's grams are.
    constructor(
        address authority,
        IMarket market_,
        IDelivery delivery_,
        IRegistry registry_,
        Asset memory ledger
    ) ERC1155("") AccessManaged(authority) {
        (market, delivery, registry) = (market_, delivery_, registry_);
        ledgerAsset = _define(ledger);
        if (!ledger.allowance) revert NotAnAllowance(ledgerAsset);
    }

    /// @inheritdoc ICarbonCredit
    function defineAsset(Asset calldata definition) external restricted returns (uint256 asset) {
        return _define(definition);
    }

    /// @inheritdoc ICarbonCredit
    function registerDevice(uint32 id, Device calldata device) external restricted {
        _devices[id] = device;
        emit DeviceRegistered(id, device);
    }

    /// @inheritdoc ICarbonCredit
    function issueAllowances(address to, uint256 asset, uint256 grams) external restricted {
        if (!_known(asset).allowance) revert NotAnAllowance(asset);
        if (grams == 0) revert AmountZero();
        emit AllowancesMinted(asset, to, grams);
        _mint(to, asset, grams, "");
    }

    /// @inheritdoc ICarbonCredit
    function issueCredits(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external returns (uint256 asset, uint256 issued) {
        IDelivery.Delivered memory held = delivery.creditable(sequence, committed, row, proof);
        uint32 id = uint32(bytes4(row));
        asset = _assetOf(id, held.start);
        (bytes memory wh, uint256 measured) = _measured(row, held.periods);
        uint256 before = _issuedWh[sequence][id];
        if (measured == before) revert NothingToIssue(id, sequence);
        _issuedWh[sequence][id] = measured;
        if (measured < before) {
            _owedWh[id] += before - measured;
            emit CreditsOwed(id, sequence, before - measured);
            return (asset, 0);
        }
        issued = measured - before;
        uint256 owed = _owedWh[id] < issued ? _owedWh[id] : issued;
        if (owed > 0) _owedWh[id] -= owed;
        issued -= owed;
        address to = registry.walletOf(id);
        bytes32 device = _devices[id].device;
        emit CertificateIssued(asset, id, sequence, to, device, held.start, held.periodSeconds, wh, issued);
        _mint(to, asset, issued, "");
    }

    /// @inheritdoc ICarbonCredit
    function depositAllowances(uint32 id, uint256 grams) external {
        int256 signed = _signed(grams);
        if (registry.walletOf(id) == address(0)) revert NotWalletOf(id, msg.sender);
        _burn(msg.sender, ledgerAsset, grams);
        market.moveGrams(id, signed);
    }

    /// @inheritdoc ICarbonCredit
    function withdrawAllowances(uint32 id, uint256 grams) external {
        if (registry.walletOf(id) != msg.sender) revert NotWalletOf(id, msg.sender);
        market.moveGrams(id, -_signed(grams));
        _mint(msg.sender, ledgerAsset, grams, "");
    }

    /// @inheritdoc ICarbonCredit
    function retire(
        address holder,
        uint256 asset,
        uint256 amount,
        Retirement calldata retirement
    ) external returns (uint256 number) {
        if (holder != msg.sender && !isApprovedForAll(holder, msg.sender)) revert NotHolder(holder, msg.sender);
        if (amount == 0) revert AmountZero();
        if (bytes(retirement.beneficiary).length == 0) revert BeneficiaryMissing();
        if (retirement.until < retirement.from) revert PeriodEndsBeforeItStarts(retirement.from, retirement.until);
        _retired[asset] += amount;
        number = ++_retirements;
        emit Retired(number, asset, holder, amount, retirement);
        _burn(holder, asset, amount);
    }

    /// @inheritdoc ICarbonCredit
    function definitionOf(uint256 asset) external view returns (Asset memory) {
        return _assets[asset];
    }

    /// @inheritdoc ICarbonCredit
    function deviceOf(uint32 id) external view returns (Device memory) {
        return _devices[id];
    }

    /// @inheritdoc ICarbonCredit
    function issuedWh(uint32 sequence, uint32 id) external view returns (uint256) {
        return _issuedWh[sequence][id];
    }

    /// @inheritdoc ICarbonCredit
    function owedWh(uint32 id) external view returns (uint256) {
        return _owedWh[id];
    }

    /// @inheritdoc ICarbonCredit
    function retiredOf(uint256 asset) external view returns (uint256) {
        return _retired[asset];
    }

    /// Metadata in itself: nothing has to be hosted, and nobody can change what a token stands for.
    function uri(uint256 asset) public view override returns (string memory) {
        Asset memory known = _known(asset);
        // JSON has double quotes in it.
        // solhint-disable quotes
        string memory json = string.concat(
            '{"name":"',
            Strings.escapeJSON(known.registry),
            " ",
            Strings.toString(known.vintage),
            " ",
            Strings.escapeJSON(known.method),
            '","decimals":0,"properties":{"kind":"',
            known.allowance ? "allowance" : "credit",
            '","unit":"',
            Strings.escapeJSON(known.unit),
            '","factorMicroG":',
            Strings.toString(known.factorMicroG),
            "}}"
        );
        // solhint-enable quotes
        return string.concat("data:application/json;base64,", Base64.encode(bytes(json)));
    }

    /// @inheritdoc ICarbonCredit
    function assetOf(string memory registryName, uint16 vintage, string memory method) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(registryName, vintage, method)));
    }

    function _define(Asset memory definition) private returns (uint256 asset) {
        asset = assetOf(definition.registry, definition.vintage, definition.method);
        if (_assets[asset].vintage != 0 || definition.vintage == 0) revert AssetExists(asset);
        _assets[asset] = definition;
        emit AssetDefined(asset, definition);
        emit URI(uri(asset), asset);
    }

    function _known(uint256 asset) private view returns (Asset memory known) {
        known = _assets[asset];
        if (known.vintage == 0) revert AssetUnknown(asset);
    }

    /// The credit of the account's device in the year in which the session starts.
    function _assetOf(uint32 id, uint40 start) private view returns (uint256 asset) {
        Device memory device = _devices[id];
        if (device.device == bytes32(0)) revert NoDevice(id);
        asset = assetOf(device.registry, uint16(CivilYear.yearOf(start)), device.method);
        if (_known(asset).allowance) revert NotACredit(asset);
    }

    /// An amount with the sign bit set would take from an account what it is to put there.
    function _signed(uint256 grams) private pure returns (int256) {
        if (grams == 0 || grams > uint256(type(int256).max)) revert AmountZero();
        return int256(grams);
    }

    /// What was measured: an estimate issues nothing. Per period u32, and the sum.
    function _measured(bytes calldata row, uint256 periods) private pure returns (bytes memory wh, uint256 sum) {
        uint256 width = row.length == rowBytes(periods, NARROW) ? NARROW : WIDE;
        uint256 values = ROW_HEAD + pairBytes(periods, width);
        uint256 qualities = values + width * periods;
        for (uint256 t; t < periods; ++t) {
            uint256 cursor = values + width * t;
            uint256 quality = (uint8(row[qualities + t / 4]) >> (6 - 2 * (t % 4))) & 3;
            uint256 one = quality == MEASURED ? uint256(bytes32(row[cursor:cursor + width])) >> (256 - 8 * width) : 0;
            wh = bytes.concat(wh, bytes4(uint32(one)));
            sum += one;
        }
    }
}
