// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// The settlement every tutorial writes, for comparison: each trade moves an ERC-20 one way and an ERC-1155 the other.
/// Nobody signs, nothing is checked: no mandate, no quorum, no grid.
contract TextbookSettlement is ERC1155 {
    struct Trade {
        address seller;
        address buyer;
        uint256 id;
        uint256 quantity;
        uint256 payment;
    }

    IERC20 public immutable token;

    constructor(IERC20 token_) ERC1155("") {
        token = token_;
    }

    /// What the sellers have to deliver. Product and period make the id.
    function mint(Trade[] calldata trades) external {
        for (uint256 i; i < trades.length; ++i) _mint(trades[i].seller, trades[i].id, trades[i].quantity, "");
    }

    function settle(Trade[] calldata trades) external {
        for (uint256 i; i < trades.length; ++i) {
            Trade calldata trade = trades[i];
            require(token.transferFrom(trade.buyer, trade.seller, trade.payment));
            _safeTransferFrom(trade.seller, trade.buyer, trade.id, trade.quantity, "");
        }
    }
}
