// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {EXIT_TIME} from "../types/Delays.sol";

/// The role manager every deployment uses. Until it seals the market whoever deployed appoints at once, and nobody's
/// money is there; afterwards every change of a role, of what a role may call, or of this manager is announced and
/// waits the exit time.
contract Authority is AccessManager {
    bool public isSealed;

    /// Nothing is announced before the seal that could be carried out right after it.
    error NotSealed();
    /// Only the manager's admins grant roles: another role could do it without the delay.
    error RoleAdminIsFixed(uint64 role);

    constructor(address admin) AccessManager(admin) {}

    /// Opens `markets` for deposits and sessions, with the committee that `registry` has; for good.
    /// @dev Admin role.
    function seal(IRegistry registry, address[] calldata markets) external onlyAuthorized {
        isSealed = true;
        registry.seal(markets);
    }

    /// @inheritdoc AccessManager
    function hasRole(uint64 role, address account) public view override returns (bool isMember, uint32 delay) {
        (isMember, delay) = super.hasRole(role, account);
        // The role first: no freeze pays for reading what only an admin's call depends on.
        if (role == ADMIN_ROLE && isSealed && delay < EXIT_TIME) delay = uint32(EXIT_TIME);
    }

    /// @inheritdoc AccessManager
    function schedule(address target, bytes calldata data, uint48 when) public override returns (bytes32, uint32) {
        if (!isSealed) revert NotSealed();
        return super.schedule(target, data, when);
    }

    function _setRoleAdmin(uint64 role, uint64) internal pure override {
        revert RoleAdminIsFixed(role);
    }
}
