// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test, Vm} from "forge-std/Test.sol";
import {Plan} from "../script/Plan.sol";
import {IGenesisNFT} from "../src/interfaces/IGenesisNFT.sol";
import {IVeVCAI} from "../src/interfaces/IVeVCAI.sol";
import {IVestingVault, Schedule} from "../src/interfaces/IVestingVault.sol";
import {DevStable} from "../src/token/DevStable.sol";

/// @dev What a deployment by the plan leaves behind: the roles that the plan names, and no power of the deployer.
abstract contract DeploymentTest is Test, Plan {
    struct Contract {
        string name;
        string artifact;
    }

    struct Restriction {
        string target;
        string signature;
        bytes selector;
        string role;
        uint256 roleId;
    }

    struct Members {
        string role;
        uint256 roleId;
        string[] members;
    }

    struct Fact {
        string says;
        string profile;
        string to;
        bytes data;
        Patch[] patches;
        string equals;
    }

    address internal constant FOUNDATION = address(0xF0);
    address internal constant GUARDIAN = address(0x60);
    address internal constant VERIFIER = address(0x7E);
    address private constant STRANGER = address(0x57);
    uint256 private constant CODE_MAX = 24_576;

    string private _json;
    AccessManager private _manager;
    Vm.Log[] private _logs;

    function _profile() internal virtual returns (string memory);

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        _configure("foundation", vm.toString(FOUNDATION));
        _configure("guardian", vm.toString(GUARDIAN));
        _configure("firstVerifier", vm.toString(VERIFIER));
        string memory profile = _profile();
        vm.recordLogs();
        _deploy(profile, address(this));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            _logs.push(logs[i]);
        }
        _json = vm.readFile(PLAN_FILE);
        _manager = AccessManager(_at("AccessManager"));
    }

    function _contracts() private view returns (Contract[] memory) {
        string memory shape = "Contract(string name,string artifact)";
        return abi.decode(vm.parseJsonTypeArray(_json, ".contracts", shape), (Contract[]));
    }

    function _restrictions() private view returns (Restriction[] memory) {
        string memory shape = "Restriction(string target,string signature,bytes selector,string role,uint256 roleId)";
        return abi.decode(vm.parseJsonTypeArray(_json, ".restricted", shape), (Restriction[]));
    }

    function _members(string memory key) private view returns (Members[] memory) {
        string memory shape = "Members(string role,uint256 roleId,string[] members)";
        return abi.decode(vm.parseJsonTypeArray(_json, key, shape), (Members[]));
    }

    function test_CreatesEveryContractBelowTheSizeLimit() public view {
        Contract[] memory contracts = _contracts();
        assertGt(contracts.length, 25);
        for (uint256 i = 0; i < contracts.length; ++i) {
            uint256 size = _at(contracts[i].name).code.length;
            assertGt(size, 0, contracts[i].name);
            assertLe(size, CODE_MAX, contracts[i].name);
        }
    }

    function test_HoldsEveryFact() public {
        string memory shape = "Fact(string says,string profile,string to,bytes data,Patch[] patches,string equals)"
            "Patch(uint256 offset,string ref)";
        Fact[] memory facts = abi.decode(vm.parseJsonTypeArray(_json, ".facts", shape), (Fact[]));
        assertGt(facts.length, 30);
        for (uint256 i = 0; i < facts.length; ++i) {
            if (bytes(facts[i].profile).length != 0 && !_is(facts[i].profile, _profile())) continue;
            (bool isRead, bytes memory answer) =
                _address(facts[i].to).staticcall(_patched(facts[i].data, facts[i].patches));
            assertTrue(isRead, facts[i].says);
            assertEq(bytes32(answer), _value(facts[i].equals), facts[i].says);
        }
    }

    function test_GivesEveryFunctionOfThePlanItsRole() public view {
        Restriction[] memory rows = _restrictions();
        assertGt(rows.length, 50);
        for (uint256 i = 0; i < rows.length; ++i) {
            uint64 role = _manager.getTargetFunctionRole(_at(rows[i].target), bytes4(rows[i].selector));
            assertEq(role, rows[i].roleId, string.concat(rows[i].target, ".", rows[i].signature));
            assertGt(role, 0, rows[i].signature);
        }
    }

    /// @dev Asks every function of every contract as a stranger: what refuses him for want of a role must be in the plan.
    function test_KnowsEveryRestrictedFunction() public {
        Contract[] memory contracts = _contracts();
        Restriction[] memory rows = _restrictions();
        uint256 refused;
        for (uint256 i = 0; i < contracts.length; ++i) {
            if (_isForeign(contracts[i].artifact)) continue;
            string memory artifact = vm.readFile(_artifactFile(contracts[i].artifact));
            string[] memory signatures = vm.parseJsonKeys(artifact, ".methodIdentifiers");
            for (uint256 k = 0; k < signatures.length; ++k) {
                // Only the access manager itself may move a contract to another authority.
                if (_is(signatures[k], "setAuthority(address)")) continue;
                bytes4 selector = bytes4(keccak256(bytes(signatures[k])));
                if (!_refuses(_at(contracts[i].name), selector, STRANGER)) continue;
                ++refused;
                assertTrue(
                    _isListed(rows, contracts[i].name, selector), string.concat(contracts[i].name, ".", signatures[k])
                );
            }
        }
        assertGt(refused, 50);
    }

    function test_LetsASmallBuybackFollowALargeOne() public {
        IVeVCAI ve = IVeVCAI(_at("VeVCAI"));
        IERC20 token = ve.token();
        address buyer = _at("BuybackExecutor");
        deal(address(token), STRANGER, 20_000e18);
        deal(address(token), buyer, 2_000e18);
        vm.startPrank(STRANGER);
        token.approve(address(ve), type(uint256).max);
        ve.lock(10_000e18, ve.currentWeek() + 52);
        vm.stopPrank();
        vm.prank(buyer);
        ve.notify(1_000e18);
        vm.warp(vm.getBlockTimestamp() + 12 hours);
        (, uint256 fast,) = ve.stream();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        ve.notify(1e18);
        vm.prank(buyer);
        ve.notify(1e18);
        (, uint256 slow,) = ve.stream();
        assertLt(slow, fast);
    }

    function test_RefusesTheDeployerEverywhere() public {
        Restriction[] memory rows = _restrictions();
        for (uint256 i = 0; i < rows.length; ++i) {
            (bool allowed,) = _manager.canCall(address(this), _at(rows[i].target), bytes4(rows[i].selector));
            assertFalse(allowed, string.concat(rows[i].target, ".", rows[i].signature));
        }
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, address(this), uint64(0))
        );
        _manager.grantRole(2, address(this), 0);
    }

    /// @dev Who was ever given a role follows from the events; who of them still has it must be whom the plan names.
    function test_LeavesTheRolesOfTheAccessManagerToWhomThePlanNames() public view {
        Members[] memory rows = _members(".members");
        assertGt(rows.length, 15);
        uint256 holders;
        for (uint256 i = 0; i < _logs.length; ++i) {
            if (_logs[i].emitter != address(_manager) || _logs[i].topics[0] != IAccessManager.RoleGranted.selector) {
                continue;
            }
            uint64 role = uint64(uint256(_logs[i].topics[1]));
            address account = address(uint160(uint256(_logs[i].topics[2])));
            (bool isMember, uint32 delay) = _manager.hasRole(role, account);
            if (!isMember) continue;
            ++holders;
            assertEq(delay, 0);
            assertTrue(_isNamed(rows, role, account), vm.toString(account));
        }
        uint256 named;
        for (uint256 i = 0; i < rows.length; ++i) {
            for (uint256 k = 0; k < rows[i].members.length; ++k) {
                (bool isMember,) = _manager.hasRole(uint64(rows[i].roleId), _address(rows[i].members[k]));
                assertTrue(isMember, string.concat(rows[i].role, " ", rows[i].members[k]));
                ++named;
            }
            assertEq(_manager.getRoleAdmin(uint64(rows[i].roleId)), 0, rows[i].role);
        }
        assertEq(holders, named);
    }

    function test_LeavesTheTimelockToTheGovernor() public view {
        IAccessControl timelock = IAccessControl(_at("Timelock"));
        Members[] memory rows = _members(".timelock");
        assertEq(rows.length, 4);
        uint256 holders;
        for (uint256 i = 0; i < _logs.length; ++i) {
            if (_logs[i].emitter != address(timelock) || _logs[i].topics[0] != IAccessControl.RoleGranted.selector) {
                continue;
            }
            if (timelock.hasRole(_logs[i].topics[1], address(uint160(uint256(_logs[i].topics[2]))))) ++holders;
        }
        uint256 named;
        for (uint256 i = 0; i < rows.length; ++i) {
            bytes32 role = _is(rows[i].role, "DEFAULT_ADMIN_ROLE") ? bytes32(0) : keccak256(bytes(rows[i].role));
            for (uint256 k = 0; k < rows[i].members.length; ++k) {
                assertTrue(timelock.hasRole(role, _address(rows[i].members[k])), rows[i].role);
                ++named;
            }
        }
        assertEq(holders, named);
    }

    function test_AllocatesTheWholeSupply() public view {
        IVestingVault vault = IVestingVault(_at("VestingVault"));
        uint256 sum = 2_000_000_000e18 + 2_000_000_000e18 + 30_000_000e18; // reserve, incentives, Genesis NFTs
        for (uint16 i = 0; i < vault.trancheCount(); ++i) {
            (, Schedule memory schedule,) = vault.trancheOf(i);
            sum += schedule.allocation;
        }
        assertEq(sum, 10_000_000_000e18);
        assertEq(address(IGenesisNFT(_at("GenesisNFT")).vault()), address(vault));
    }

    function _isForeign(string memory artifact) private pure returns (bool) {
        return _startsWith(artifact, "Uniswap");
    }

    function _artifactFile(string memory artifact) private view returns (string memory) {
        string memory out = vm.envOr("FOUNDRY_OUT", string("out"));
        return string.concat(out, "/", artifact, ".sol/", artifact, ".json");
    }

    /// @dev Zero words decode as arguments of any type: numbers, empty arrays, empty structs.
    function _refuses(address target, bytes4 selector, address caller) private returns (bool) {
        vm.prank(caller);
        (bool done, bytes memory reason) = target.call(abi.encodePacked(selector, new bytes(32 * 24)));
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
        return !done && keccak256(reason) == keccak256(refusal);
    }

    function _isListed(Restriction[] memory rows, string memory name, bytes4 selector) private pure returns (bool) {
        for (uint256 i = 0; i < rows.length; ++i) {
            if (_is(rows[i].target, name) && bytes4(rows[i].selector) == selector) return true;
        }
        return false;
    }

    function _isNamed(Members[] memory rows, uint64 role, address account) private view returns (bool) {
        for (uint256 i = 0; i < rows.length; ++i) {
            if (rows[i].roleId != role) continue;
            for (uint256 k = 0; k < rows[i].members.length; ++k) {
                if (_address(rows[i].members[k]) == account) return true;
            }
        }
        return false;
    }

    function _address(string memory ref) private view returns (address) {
        return address(uint160(uint256(_word(ref))));
    }

    function _value(string memory text) private view returns (bytes32) {
        bool isReference = _startsWith(text, "address:") || _startsWith(text, "config:");
        return isReference ? _word(text) : bytes32(vm.parseUint(text));
    }
}

contract DevnetDeploymentTest is DeploymentTest {
    function _profile() internal pure override returns (string memory) {
        return "devnet";
    }
}

contract ProductionDeploymentTest is DeploymentTest {
    function _profile() internal override returns (string memory) {
        if (address(_stable) == address(0)) {
            _stable = new DevStable();
            _configure("stable", vm.toString(address(_stable)));
            _configure("uniswapFactory", vm.toString(_factory()));
            _configure("tge", vm.toString(vm.getBlockTimestamp() + 30 days));
            _configure("GenesisNFT.saleEnd", vm.toString(vm.getBlockTimestamp() + 30 days));
        }
        return "production";
    }

    DevStable private _stable;

    function _factory() private returns (address made) {
        bytes memory code = vm.parseJsonBytes(vm.readFile(THIRD_PARTY_FILE), ".UniswapV2Factory.bytecode");
        code = bytes.concat(code, abi.encode(address(this)));
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
    }
}
