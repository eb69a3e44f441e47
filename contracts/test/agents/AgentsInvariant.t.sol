// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {AgentFixture} from "./AgentFixture.sol";
import {AgentsHandler} from "./AgentsHandler.sol";

contract AgentsInvariantTest is AgentFixture {
    AgentsHandler private handler;
    uint256 private constant ACTORS = 4;

    function setUp() public override {
        super.setUp();
        handler = new AgentsHandler(nft, splitter, licenses, market);
        targetContract(address(handler));
    }

    /// @dev Revenue shares add up to the payments, and what is owed is there.
    function invariant_RevenueIsConserved() public view {
        uint256 owed = 0;
        for (uint256 i = 0; i < ACTORS; ++i) {
            owed += splitter.owed(handler.actors(i));
        }
        uint256 tills = 0;
        for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
            tills += stable.balanceOf(splitter.tillOf(id));
        }
        assertEq(splitter.totalOwed(), owed);
        assertEq(stable.balanceOf(address(splitter)), owed);
        uint256 kept = owed + tills + handler.withdrawnRevenue();
        assertGe(handler.revenue(), kept);
        // The rest is the platform's.
        uint256 platform = handler.revenue() - kept;
        assertEq(stable.balanceOf(treasury), platform + handler.fees() + handler.commissions());
        assertFalse(handler.wrongShare());
    }

    /// @dev Money for calls is either there, paid on, or paid back; nothing else.
    function invariant_CreditsAreConserved() public view {
        uint256 escrowed = 0;
        for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
            for (uint256 i = 0; i < ACTORS; ++i) {
                address user = handler.actors(i);
                ILicenseManager.CallCredit memory credit = licenses.creditOf(id, user);
                escrowed += credit.escrowed;
                assertGe(credit.escrowed, credit.left);
                assertEq(
                    credit.escrowed, handler.bought(id, user) - handler.redeemed(id, user) - handler.refunded(id, user)
                );
            }
        }
        assertEq(licenses.totalEscrowed(), escrowed);
        assertEq(stable.balanceOf(address(licenses)), escrowed);
    }

    function invariant_MarketHoldsWhatItOwes() public view {
        uint256 held = 0;
        for (uint256 i = 0; i < ACTORS; ++i) {
            address actor = handler.actors(i);
            held += market.owed(actor);
            for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
                held += market.offerOf(id, actor).amount;
            }
        }
        assertEq(market.totalHeld(), held);
        assertEq(stable.balanceOf(address(market)), held);
    }

    /// @dev While an exclusive licence runs its licensee alone may call, whoever holds the agent; a shared licence and a
    /// loan that were given hold to their end.
    function invariant_RightsHoldToTheirEnd() public view {
        uint256 time = vm.getBlockTimestamp();
        for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
            bool exclusive = time < handler.exclusiveUntil(id);
            for (uint256 i = 0; i < ACTORS; ++i) {
                address user = handler.actors(i);
                bool right = licenses.mayCall(id, user);
                if (exclusive) assertEq(right, user == handler.exclusiveUser(id));
                else if (time < handler.shared(id, user) || user == nft.ownerOf(id)) assertTrue(right);
                assertEq(licenses.sharedUntil(id, user), handler.shared(id, user));
                assertLe(handler.shared(id, user), licenses.latestShared(id));
                assertFalse(exclusive && time < handler.shared(id, user));
            }
        }
    }

    function invariant_NonceNeverFallsAndCountsHolders() public view {
        assertFalse(handler.nonceFell());
        for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
            assertEq(nft.tenureOf(id), handler.transfers(id));
            assertGe(uint256(nft.stateNonce(id)), handler.transfers(id) << 24);
        }
    }

    /// @dev Every unit paid for use counts in one rating at most.
    function invariant_RatingsAreBackedByPayments() public view {
        uint256 rated = 0;
        uint256 unrated = 0;
        uint256 count = 0;
        for (uint256 id = 1; id <= nft.totalMinted(); ++id) {
            ILicenseManager.RatingSum memory sum = licenses.ratingOf(id);
            rated += sum.weight;
            count += sum.count;
            assertGe(sum.stars, sum.count);
            assertLe(sum.stars, uint256(sum.count) * 5);
            assertGe(sum.weightedStars, sum.weight);
            assertLe(sum.weightedStars, uint256(sum.weight) * 5);
            for (uint256 i = 0; i < ACTORS; ++i) {
                unrated += licenses.unratedPaymentOf(id, handler.actors(i));
            }
        }
        assertEq(rated + unrated, handler.paidForUse());
        assertLe(count, handler.payments());
    }
}
