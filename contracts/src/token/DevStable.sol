// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title A stablecoin for development networks: 6 decimals, ERC-2612, ERC-3009, and anyone may mint
/// @dev Refuses to exist on Ethereum's main network; on any real chain a real stablecoin takes its place.
contract DevStable is ERC20, ERC20Permit {
    /// @notice This token is worthless by design and must not be deployed here.
    error DevelopmentOnly(uint256 chainId);
    error AuthorizationExpired(uint256 validBefore);
    error AuthorizationNotYetValid(uint256 validAfter);
    error AuthorizationUsedOrCanceled(address authorizer, bytes32 nonce);
    error AuthorizationSignerMismatch(address authorizer);

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    /// @notice Whether a payment of that nonce was made or called off (ERC-3009).
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;

    constructor() ERC20("Vcity Development Dollar", "vUSD") ERC20Permit("Vcity Development Dollar") {
        if (block.chainid == 1) revert DevelopmentOnly(block.chainid);
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice A payment that its payer signed, sent by whoever has the signature (ERC-3009).
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        transferWithAuthorization(from, to, value, validAfter, validBefore, nonce, abi.encodePacked(r, s, v));
    }

    /// @notice Calls off a payment that the sender signed.
    function cancelAuthorization(bytes32 nonce) external {
        _useAuthorization(msg.sender, nonce);
        emit AuthorizationCanceled(msg.sender, nonce);
    }

    /// @notice The same; the signature may be a contract wallet's (ERC-1271).
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) public {
        if (block.timestamp <= validAfter) revert AuthorizationNotYetValid(validAfter);
        if (block.timestamp >= validBefore) revert AuthorizationExpired(validBefore);
        _useAuthorization(from, nonce);
        bytes32 terms = keccak256(
            abi.encode(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce)
        );
        if (!SignatureChecker.isValidSignatureNow(from, _hashTypedDataV4(terms), signature)) {
            revert AuthorizationSignerMismatch(from);
        }
        emit AuthorizationUsed(from, nonce);
        _transfer(from, to, value);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _useAuthorization(address authorizer, bytes32 nonce) private {
        if (authorizationState[authorizer][nonce]) revert AuthorizationUsedOrCanceled(authorizer, nonce);
        authorizationState[authorizer][nonce] = true;
    }
}
