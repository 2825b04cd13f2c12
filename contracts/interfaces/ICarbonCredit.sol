// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Commitment} from "../types/Readings.sol";

/// @title Allowances and credits as tokens: one id for each registry, vintage and method.
/// @notice Allowances (g) are issued by the regulator, move into the market's ledger and out of it, and are surrendered
/// there. Credits are Wh that a meter has measured renewable, issued against a row of the readings that Delivery keeps
/// the commitment of. Retirement burns either, for good.
/// @dev A session's periods overlap no other's, so a meter's Wh of a period are in one session's rows only; of each
/// account and session there is one number, the Wh issued so far, and a claim issues the difference. After a correction
/// downward the difference is owed, and taken from what the account is issued next.
interface ICarbonCredit {
    /// What an id stands for.
    struct Asset {
        string registry;
        uint16 vintage;
        string method;
        /// Of one token: "g" or "Wh".
        string unit;
        /// Micrograms of CO2 a unit stands for.
        uint64 factorMicroG;
        bool allowance;
    }

    /// What certificates of an account say of where the energy comes from.
    struct Device {
        /// The registry and method that its credits are of; their vintage is the session's year.
        string registry;
        string method;
        /// Energy source and technology, as certificate schemes code them (such as F01010100, T010000), and the device.
        bytes16 source;
        bytes16 technology;
        bytes32 device;
    }

    struct Retirement {
        string beneficiary;
        /// Unix seconds, and the settled session that it is for; zero for none.
        uint40 from;
        uint40 until;
        uint32 sequence;
    }

    event AssetDefined(uint256 indexed asset, Asset definition);
    event DeviceRegistered(uint32 indexed id, Device device);
    event AllowancesMinted(uint256 indexed asset, address indexed to, uint256 grams);
    /// @dev An hourly certificate: production by `device` from `start` on, a period each, Wh u32 in `wh`; the part of
    /// it that was new is `issued`.
    event CertificateIssued(
        uint256 indexed asset,
        uint32 indexed id,
        uint32 indexed sequence,
        address to,
        bytes32 device,
        uint40 start,
        uint32 periodSeconds,
        bytes wh,
        uint256 issued
    );
    /// @dev Issued before and corrected away since.
    event CreditsOwed(uint32 indexed id, uint32 indexed sequence, uint256 wh);
    event Retired(
        uint256 indexed number,
        uint256 indexed asset,
        address indexed holder,
        uint256 amount,
        Retirement retirement
    );

    error AssetExists(uint256 asset);
    error AssetUnknown(uint256 asset);
    error NotAnAllowance(uint256 asset);
    error NotACredit(uint256 asset);
    error NoDevice(uint32 id);
    error AmountZero();
    error NothingToIssue(uint32 id, uint32 sequence);
    error NotWalletOf(uint32 id, address caller);
    error NotHolder(address holder, address caller);
    error BeneficiaryMissing();
    error PeriodEndsBeforeItStarts(uint40 from, uint40 until);

    /// @notice Regulator role. An id is defined once.
    function defineAsset(Asset calldata definition) external returns (uint256 asset);
    /// @notice Regulator role.
    function registerDevice(uint32 id, Device calldata device) external;
    /// @notice Issues allowances. Regulator role.
    function issueAllowances(address to, uint256 asset, uint256 grams) external;

    /// @notice Issues the credits of one account and session that are not issued yet, to the account's wallet. Anybody
    /// may call, once the entry is final and its dispute time is over.
    function issueCredits(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external returns (uint256 asset, uint256 issued);

    /// @notice Burns the caller's allowances of the ledger's id and credits an account's grams. Anybody may pay in.
    function depositAllowances(uint32 id, uint256 grams) external;
    /// @notice Takes grams of an account that no open session may sell, and mints them to its wallet. Only the wallet.
    function withdrawAllowances(uint32 id, uint256 grams) external;

    /// @notice Burns for good.
    function retire(
        address holder,
        uint256 asset,
        uint256 amount,
        Retirement calldata retirement
    ) external returns (uint256 number);

    function assetOf(string calldata registry, uint16 vintage, string calldata method) external pure returns (uint256);
    function definitionOf(uint256 asset) external view returns (Asset memory);
    function deviceOf(uint32 id) external view returns (Device memory);
    function issuedWh(uint32 sequence, uint32 id) external view returns (uint256);
    function owedWh(uint32 id) external view returns (uint256);
    function retiredOf(uint256 asset) external view returns (uint256);
    /// @notice The id that grams of the market's ledger are of.
    function ledgerAsset() external view returns (uint256);
}
