// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token that keeps a hundredth of every transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount / 100;
        super._update(from, to, amount - fee);
        if (fee > 0) super._update(from, address(this), fee);
    }
}

/// A token whose balances grow and shrink by themselves.
contract RebasingToken is ERC20 {
    constructor() ERC20("Rebasing", "REB") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function rebase(address holder, int256 change) external {
        if (change < 0) _burn(holder, uint256(-change));
        else _mint(holder, uint256(change));
    }
}

interface IReceiver {
    function received() external;
}

/// A token that calls whoever it is sent from or to, as ERC-777 does.
contract HookToken is ERC20 {
    constructor() ERC20("Hook", "HOOK") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && from.code.length > 0) try IReceiver(from).received() {} catch {}
        if (to != address(0) && to.code.length > 0 && to != from) try IReceiver(to).received() {} catch {}
    }
}

/// A wallet contract that changes its mind about signatures and re-enters the market when tokens move.
contract HostileWallet is IERC1271 {
    bool public accepts = true;
    bool public burnsGas;
    bytes public reentry;
    address public target;
    bool public entered;
    bytes public failure;

    function setAccepts(bool accepts_) external {
        accepts = accepts_;
    }

    function setBurnsGas(bool burnsGas_) external {
        burnsGas = burnsGas_;
    }

    function setReentry(address target_, bytes calldata reentry_) external {
        (target, reentry) = (target_, reentry_);
    }

    function execute(address to, bytes calldata data) external {
        (bool done, bytes memory result) = to.call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }

    function received() external {
        if (target == address(0)) return;
        (entered, failure) = target.call(reentry);
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        if (burnsGas) while (true) {}
        return accepts ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
