// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// The role manager every deployment uses; here so that its artifact is built.
contract Authority is AccessManager {
    constructor(address admin) AccessManager(admin) {}
}
