// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIncentive} from "./IIncentive.sol";
import {IPriceOracle} from "./IPriceOracle.sol";
import {IVerifierSet} from "./IVerifierSet.sol";
import {Kind, Role} from "../types/Types.sol";

/// @title Identities of the network: role, hardware claims, endpoint key and stake
/// @notice An identity is an address; its DID is `did:ethr:<chain id>:<address>`. One identity has one role for life and
/// registers once; who was banned can never register again. Stake is VCAI. How much is asked for follows from the
/// hardware class, from how busy the network is and from the price of VCAI, anew once a period (a week), and moves by a
/// bounded part each time; who is registered already has one period to follow.
interface INodeRegistry {
    /// @notice What an identity states about itself when it registers. `region` is a name of at most 20 characters,
    /// `stake` is in wei of VCAI.
    struct Registration {
        Role role;
        Kind kind;
        bytes32 gpuModel;
        uint16 gpuCount;
        uint32 vramMib;
        bytes32 region;
        bytes32 endpointKey;
        string didDocumentUri;
        uint128 stake;
    }

    /// @notice What the registry knows of an identity. `registeredAt` is zero for a stranger; times are unix seconds.
    /// @dev The text of the DID document's address is in the event `EndpointUpdated` alone; `didDocumentHash` is the
    /// first 12 bytes of its keccak256, enough to know whether a text at hand is the present one.
    struct Node {
        Role role;
        Kind kind;
        bool banned;
        uint16 gpuCount;
        uint32 vramMib;
        uint64 registeredAt;
        uint64 unbondAt;
        uint128 stake;
        uint128 unbonding;
        bytes32 gpuModel;
        bytes32 region;
        bytes32 endpointKey;
        bytes12 didDocumentHash;
        uint64 suspendedUntil;
        uint64 heldUntil;
    }

    /// @notice What the DAO may change, with its hard bounds.
    /// - `computeUsd`, `schedulerUsd`, `verifierUsd`: stake in base units of the stablecoin for class 0 (a GPU of no
    ///   class of its own) and for the two roles without GPUs; at most `MAX_BASE_USD`.
    /// - `factorFloor`, `factorSlope`: the requirement is multiplied by floor + slope * utilization (1e18 = 1); floor in
    ///   [0.1, 1], slope in [0, 2].
    /// - `unbondingDelay`: seconds, in [1 minute, 90 days]. Must not go below the challenge window of Settlement.
    /// - `period`: seconds between two recomputations and the grace for those registered, in [1 minute, 30 days].
    /// - `maxMoveBps`: by how much one recomputation may move the requirement, in [0, 5000] basis points.
    struct Parameters {
        uint64 computeUsd;
        uint64 schedulerUsd;
        uint64 verifierUsd;
        uint64 factorFloor;
        uint64 factorSlope;
        uint32 unbondingDelay;
        uint32 period;
        uint16 maxMoveBps;
    }

    event Registered(address indexed identity, Role indexed role, Kind kind, uint128 stake);
    event HardwareUpdated(address indexed identity, bytes32 gpuModel, uint16 gpuCount, uint32 vramMib);
    event EndpointUpdated(address indexed identity, bytes32 region, bytes32 endpointKey, string didDocumentUri);
    event StakeAdded(address indexed identity, uint128 amount, uint128 stake);
    event UnbondRequested(address indexed identity, uint128 amount, uint128 unbonding, uint64 unbondAt);
    event Unbonded(address indexed identity, uint128 amount);
    event StakeSlashed(address indexed identity, address indexed beneficiary, uint128 requested, uint128 taken);
    /// @notice A successful appeal gave stake back: so much to the active part, so much to what is unbonding.
    event StakeRestored(address indexed identity, uint128 active, uint128 unbonding);
    event BanChanged(address indexed identity, bool banned);
    /// @notice Until then the identity is not active. In the past: the suspension is over.
    event SuspensionChanged(address indexed identity, uint64 until);
    /// @notice Until then the identity cannot take out what is unbonding, because somebody accused it.
    event HoldChanged(address indexed identity, uint64 until);
    event ParametersChanged(Parameters parameters);
    event SourcesChanged(address indexed oracle, address indexed incentive);
    /// @notice From now on verifiers are active only if they are admitted there; zero: whoever has the stake.
    event AdmissionChanged(address indexed verifierSet);
    /// @notice The DAO put a GPU model into a hardware class.
    event ClassOfModelSet(bytes32 indexed gpuModel, uint8 indexed class);
    /// @notice Stake in base units of the stablecoin for one GPU of a class (or one node of a role without GPUs).
    event BaseUsdChanged(Role indexed role, uint8 indexed class, uint64 previousUsd, uint64 usd);
    /// @notice The weekly step: wei of VCAI that are asked for each stablecoin unit (1e6 base units) of base stake.
    event RequirementsRecomputed(uint256 previousRate, uint256 rate, uint256 target, uint256 utilization);

    error AlreadyRegistered(address identity);
    error NotRegistered(address identity);
    error IdentityBanned(address identity);
    error StakeBelowMinimum(Role role, uint256 minimum, uint128 given);
    error AmountIsZero(address identity);
    error StakeTooLow(address identity, uint128 stake, uint128 requested);
    error NothingUnbonding(address identity);
    error StillUnbonding(address identity, uint64 unbondAt);
    error UnbondingHeld(address identity, uint64 heldUntil);
    error RegionTooLong(uint256 maximum, bytes32 region);
    error UriTooLong(uint256 maximum, uint256 given);
    error TokenIsNotAContract(address token);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);
    error SourcesNotSet(address oracle, address incentive);
    error ClassHasNoBase(uint8 class);
    error RecomputedTooSoon(uint64 nextAt);

    /// @notice Registers the sender and pulls its stake, at least `requirementOf(role, class)` for each GPU.
    function register(Registration calldata registration) external;

    /// @notice Replaces the hardware claims of the sender. Its requirement follows at once.
    function updateHardware(bytes32 gpuModel, uint16 gpuCount, uint32 vramMib) external;

    /// @notice Replaces region, endpoint key and DID document of the sender.
    function updateEndpoint(bytes32 region, bytes32 endpointKey, string calldata didDocumentUri) external;

    /// @notice Adds to the stake of the sender.
    function topUp(uint128 amount) external;

    /// @notice Starts unbonding `amount`. A second request adds to the first and restarts the delay for both.
    function requestUnbond(uint128 amount) external;

    /// @notice Pays out what has been unbonding for the whole delay. Until then it can still be slashed, and while the
    /// sender stands accused it waits for the end of the case, but never longer than `MAX_HOLD` after its own time.
    function withdrawUnbonded() external;

    /// @notice Brings the requirement up to date with price and utilization. Anyone, once a period.
    function recomputeRequirements() external;

    /// @notice Takes up to `amount`, from the active stake first, then from what is unbonding. Restricted to the court.
    /// @return taken What was really there to take; zero for a stranger.
    function slash(address identity, uint128 amount, address beneficiary) external returns (uint128 taken);

    /// @notice Gives back what was slashed, pulled from the sender, to the parts it was taken from. Restricted to the
    /// court.
    function restore(address identity, uint128 toStake, uint128 toUnbonding) external;

    /// @notice Sets until when an identity is not active; zero ends a suspension. Restricted to the court.
    function suspend(address identity, uint64 until) external;

    /// @notice Sets until when an identity cannot take out what is unbonding; zero lets go. Restricted to the court.
    function hold(address identity, uint64 until) external;

    /// @notice Excludes an identity for good, registered or not; its stake stays slashable and can be unbonded.
    /// Restricted to the court.
    function ban(address identity) external;

    /// @notice Takes a ban back, after an appeal. Restricted to the court.
    function unban(address identity) external;

    /// @notice Replaces all parameters. A raised base binds those registered after one period. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice Names where price and utilization come from. Restricted to the DAO.
    function setSources(IPriceOracle oracle_, IIncentive incentive_) external;

    /// @notice Names the set in which a verifier must be admitted to be active; zero for none. Restricted to the DAO.
    function setAdmission(IVerifierSet verifierSet) external;

    /// @notice Puts GPU models into a class that has a base. Restricted to the DAO.
    function setClassOf(bytes32[] calldata gpuModels, uint8 class) external;

    /// @notice Sets the stake for one GPU of a class above 0, in base units of the stablecoin. Restricted to the DAO.
    function setClassUsd(uint8 class, uint64 usd) external;

    function stakeToken() external view returns (IERC20);

    function oracle() external view returns (IPriceOracle);

    function incentive() external view returns (IIncentive);

    function admission() external view returns (IVerifierSet);

    function parameters() external view returns (Parameters memory);

    function nodeOf(address identity) external view returns (Node memory);

    /// @return active The stake that counts, `unbonding` what is on its way out; both can be slashed.
    function stakeOf(address identity) external view returns (uint128 active, uint128 unbonding);

    /// @notice Registered in that role, not banned, not suspended, enough at stake (a raised requirement counts after
    /// one period of grace), not leaving altogether; a verifier must also be admitted.
    function isActive(address identity, Role role) external view returns (bool);

    /// @notice What the court needs to know of an identity, cheaper than `nodeOf`.
    function standingOf(address identity)
        external
        view
        returns (bool registered, bool banned, uint64 suspendedUntil, uint64 heldUntil);

    /// @notice Banned for good, or suspended now: such an identity earns nothing.
    function isBarred(address identity) external view returns (bool);

    /// @notice The class of a GPU model; 0 for a model that the DAO did not classify.
    function classOf(bytes32 gpuModel) external view returns (uint8);

    /// @notice Present stake in wei for one GPU of a class, or for one node of a role without GPUs (class 0).
    function requirementOf(Role role, uint8 class) external view returns (uint256);

    /// @notice What an identity would need to register today, and what is enforced on it now that it is registered.
    function requiredStake(address identity) external view returns (uint256 current, uint256 enforced);

    /// @notice `requirementOf(role, 0)`.
    function minimumStake(Role role) external view returns (uint256);

    /// @return rate Wei of VCAI for each stablecoin unit (1e6 base units), `previous` the one before it, which still
    /// suffices for those registered until `nextAt`, when the next recomputation may come.
    function rates() external view returns (uint256 rate, uint256 previous, uint64 nextAt);

    function unbondingDelay() external view returns (uint64);

    /// @notice EIP-712 digest that a peer signs to authenticate a link (domain "Vcity Link").
    /// @param role As in the link protocol: 0 compute, 1 scheduler, 2 verifier, 3 gateway.
    function linkHelloDigest(address peer, uint8 role, bytes32 challenge, uint64 issuedAt)
        external
        view
        returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
