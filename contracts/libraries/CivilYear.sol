// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// The year of the Gregorian calendar, UTC.
library CivilYear {
    uint256 private constant DAYS_OF_400_YEARS = 146_097;
    /// From 1 March of year 0 to 1 January 1970: with years that begin in March the leap day is the last.
    uint256 private constant SHIFT = 719_468;

    function yearOf(uint256 unixSeconds) internal pure returns (uint256 year) {
        uint256 day = unixSeconds / 1 days + SHIFT;
        uint256 era = day / DAYS_OF_400_YEARS;
        uint256 dayOfEra = day % DAYS_OF_400_YEARS;
        // Less the leap days that have gone by, and more the one that every century but each fourth leaves out.
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        // From 1 January on, 306 days after 1 March, it is the next year.
        return 400 * era + yearOfEra + (dayOfYear >= 306 ? 1 : 0);
    }
}
