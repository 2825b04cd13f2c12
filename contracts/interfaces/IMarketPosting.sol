// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// @title What the delivery and the carbon contract enter into the market's accounts, outside any settlement.
/// @notice Both are named once, before the market is sealed, and can never be replaced; zero is nobody. Neither can
/// touch what the open session has locked, so a batch that is signed settles whatever they do, and neither can reach
/// money that has left a deposit.
/// @dev Ids are those of accounts: prosumers, and of types/Account.sol INSURANCE, DESK, OPERATOR and UTILITY.
interface IMarketPosting {
    event Connected(address delivery, address carbonCredit);
    /// @dev `entries`: a word an account, see types/Account.sol.
    event Posted(uint16 indexed day, int256 issuedG, bytes entries);
    event GramsMoved(uint32 indexed id, int256 grams);

    error AlreadyConnected(address delivery, address carbonCredit);
    error AlreadySealed();
    error NotDelivery(address caller);
    error NotCarbonCredit(address caller);
    /// Entries are whole words.
    error EntriesLength(uint256 length);
    /// Entry `k` is not above the one before it: each account has one.
    error EntriesNotAscending(uint256 k);
    error DebitBeyondFree(uint32 id, uint256 nano, uint256 most);
    error GramsBeyondFree(uint32 id, uint256 grams, uint256 most);
    error MoneyNotConserved(int256 nano);
    error GramsNotConserved(int256 grams, int256 issuedG);
    error AllowancesTooLarge(int256 grams);

    /// @notice Names the contracts that may post. Once, and only before the market is sealed. Admin role.
    function connect(address delivery, address carbonCredit) external;

    /// @notice Enters what a delivery comes to, all or nothing. Only by the delivery contract.
    /// @param day UTC day on which the sessions began that `released` is of.
    /// @param entries A word an account (Entry in types/Account.sol), whose ids ascend. Their money sums to zero, their
    /// grams to `issuedG`. A debit takes at most what `debitable` says; the desk's grams alone may become negative.
    /// @param issuedG Grams issued, less those burned.
    function post(uint16 day, bytes calldata entries, int256 issuedG) external;

    /// @notice Credits `grams` to an account, whose credits the carbon contract has taken into custody, or with a
    /// negative number takes them out of it, at most what `debitable` says. Only by the carbon contract, which answers
    /// for who may ask for it.
    function moveGrams(uint32 id, int256 grams) external;

    /// @notice What a posting can take from the account now: the deposit less what is locked, whatever is held of it;
    /// and its grams less those that the open session may sell.
    function debitable(uint32 id) external view returns (uint256 nano, uint256 grams);

    /// @notice The same of many: `ids` of four bytes each, ascending; a word each comes back, grams in its upper half,
    /// nano-dollars in its lower.
    function debitableOf(bytes calldata ids) external view returns (bytes memory amounts);

    function delivery() external view returns (address);
    function carbonCredit() external view returns (address);
    /// @notice What all accounts' grams sum to, the desk's included: issued less burned.
    function totalGrams() external view returns (int64);
}
