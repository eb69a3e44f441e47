// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";

/// @title Runs deployments/plan.json, step by step, as `vcity chain deploy` does
/// @dev Inherit it, call `_configure` for settings that differ from the profile, then `_deploy`. The addresses of all
/// creations are known before the first one, because a sender's contracts follow from its nonces.
abstract contract Plan is CommonBase {
    struct Patch {
        uint256 offset;
        string ref;
    }

    struct View {
        string to;
        bytes data;
        Patch[] patches;
    }

    struct Step {
        string name;
        string kind;
        string profile;
        string unless;
        string artifact;
        string to;
        bytes data;
        Patch[] patches;
        View done;
    }

    struct Setting {
        string name;
        string production;
        string devnet;
    }

    error UnknownReference(string ref);
    error SettingMustBeGiven(string name);
    error StepFailed(string name, bytes reason);
    error CreatedElsewhere(string name, address expected, address created);

    string internal constant PLAN_FILE = "deployments/plan.json";
    string internal constant THIRD_PARTY_FILE = "deployments/third_party/uniswap-v2.json";

    string private constant PATCH_TYPE = "Patch(uint256 offset,string ref)";
    string private constant STEP_TYPE = "Step(string name,string kind,string profile,string unless,string artifact,"
        "string to,bytes data,Patch[] patches,View done)Patch(uint256 offset,string ref)"
        "View(string to,bytes data,Patch[] patches)";
    string private constant SETTING_TYPE = "Setting(string name,string production,string devnet)";

    mapping(string name => bytes32) private _words;
    mapping(string name => bool) private _hasWord;
    mapping(string name => string) private _settings;
    mapping(string name => bool) private _isKnown;
    address private _sender;

    /// @dev A decimal number, a hex number, or one of the words of plan.mjs.
    function _configure(string memory name, string memory value) internal {
        _settings[name] = value;
        _isKnown[name] = true;
    }

    /// @dev The address of a contract of the plan, known once `_deploy` has begun.
    function _at(string memory name) internal view returns (address) {
        if (!_hasWord[name]) revert UnknownReference(name);
        return address(uint160(uint256(_words[name])));
    }

    function _setWord(string memory name, bytes32 word) private {
        (_words[name], _hasWord[name]) = (word, true);
    }

    /// @param sender Whose transactions these are: this contract, or the account that a script broadcasts from.
    function _deploy(string memory profile, address sender) internal {
        string memory json = vm.readFile(PLAN_FILE);
        _sender = sender;
        _readSettings(json, _is(profile, "production"));
        Step[] memory steps = abi.decode(vm.parseJsonTypeArray(json, ".steps", STEP_TYPE), (Step[]));
        _predict(steps, profile);
        for (uint256 i = 0; i < steps.length; ++i) {
            if (_belongs(steps[i], profile)) _run(steps[i]);
        }
    }

    function _readSettings(string memory json, bool isProduction) private {
        Setting[] memory settings = abi.decode(vm.parseJsonTypeArray(json, ".config", SETTING_TYPE), (Setting[]));
        for (uint256 i = 0; i < settings.length; ++i) {
            if (_isKnown[settings[i].name]) continue;
            _configure(settings[i].name, isProduction ? settings[i].production : settings[i].devnet);
        }
    }

    function _belongs(Step memory step, string memory profile) private pure returns (bool) {
        return bytes(step.profile).length == 0 || _is(step.profile, profile);
    }

    function _predict(Step[] memory steps, string memory profile) private {
        uint256 nonce = vm.getNonce(_sender);
        for (uint256 i = 0; i < steps.length; ++i) {
            if (!_is(steps[i].kind, "create") || !_belongs(steps[i], profile)) continue;
            if (bytes(steps[i].unless).length != 0 && bytes(_settings[steps[i].unless]).length != 0) {
                _setWord(steps[i].name, _word(string.concat("config:", steps[i].unless)));
                continue;
            }
            _setWord(steps[i].name, _asWord(vm.computeCreateAddress(_sender, nonce++)));
        }
    }

    function _run(Step memory step) private {
        if (bytes(step.done.to).length != 0) {
            (bool isRead, bytes memory answer) =
                _target(step.done.to).call(_patched(step.done.data, step.done.patches));
            if (isRead && answer.length >= 32 && bytes32(answer) != 0) return;
        }
        bytes memory data = _patched(step.data, step.patches);
        if (_is(step.kind, "create")) return _create(step, data);
        (bool isDone, bytes memory result) = _target(step.to).call(data);
        if (!isDone) revert StepFailed(step.name, result);
        if (_is(step.kind, "read")) _setWord(step.name, bytes32(result));
    }

    function _create(Step memory step, bytes memory arguments) private {
        if (bytes(step.unless).length != 0 && bytes(_settings[step.unless]).length != 0) return;
        bytes memory code = bytes.concat(_creationCode(step.artifact), arguments);
        address created;
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        if (created == address(0)) revert StepFailed(step.name, _reason());
        if (created != _at(step.name)) revert CreatedElsewhere(step.name, _at(step.name), created);
    }

    function _reason() private pure returns (bytes memory reason) {
        assembly ("memory-safe") {
            reason := mload(0x40)
            mstore(reason, returndatasize())
            returndatacopy(add(reason, 0x20), 0, returndatasize())
            mstore(0x40, add(add(reason, 0x20), and(add(returndatasize(), 0x1f), not(0x1f))))
        }
    }

    function _creationCode(string memory artifact) private view returns (bytes memory) {
        string memory json = vm.readFile(THIRD_PARTY_FILE);
        string memory key = string.concat(".", artifact);
        if (vm.keyExistsJson(json, key)) return vm.parseJsonBytes(json, string.concat(key, ".bytecode"));
        return vm.getCode(string.concat(artifact, ".sol:", artifact));
    }

    function _patched(bytes memory data, Patch[] memory patches) internal view returns (bytes memory) {
        for (uint256 i = 0; i < patches.length; ++i) {
            bytes32 word = _word(patches[i].ref);
            uint256 offset = patches[i].offset;
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), offset), word)
            }
        }
        return data;
    }

    function _target(string memory ref) private view returns (address) {
        return address(uint160(uint256(_word(ref))));
    }

    /// @dev What a reference stands for.
    function _word(string memory ref) internal view returns (bytes32) {
        if (_startsWith(ref, "address:")) return _asWord(_at(_after(ref, 8)));
        if (_startsWith(ref, "word:") && _hasWord[_after(ref, 5)]) return _words[_after(ref, 5)];
        string memory name = _after(ref, 7);
        if (!_startsWith(ref, "config:") || !_isKnown[name]) revert UnknownReference(ref);
        string memory value = _settings[name];
        if (_is(value, "?")) revert SettingMustBeGiven(name);
        if (_is(value, "deployer")) return _asWord(_sender);
        if (_is(value, "now")) return bytes32(vm.getBlockTimestamp());
        if (_startsWith(value, "now+")) return bytes32(vm.getBlockTimestamp() + vm.parseUint(_after(value, 4)));
        if (_startsWith(value, "address:")) return _asWord(_at(_after(value, 8)));
        return bytes32(vm.parseUint(value));
    }

    function _asWord(address value) private pure returns (bytes32) {
        return bytes32(uint256(uint160(value)));
    }

    function _is(string memory a, string memory b) internal pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    function _startsWith(string memory text, string memory start) internal pure returns (bool) {
        return bytes(text).length >= bytes(start).length && _is(_before(text, bytes(start).length), start);
    }

    function _before(string memory text, uint256 length) private pure returns (string memory) {
        return _slice(text, 0, length);
    }

    function _after(string memory text, uint256 start) private pure returns (string memory) {
        return bytes(text).length < start ? "" : _slice(text, start, bytes(text).length - start);
    }

    function _slice(string memory text, uint256 start, uint256 length) private pure returns (string memory) {
        bytes memory part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = bytes(text)[start + i];
        }
        return string(part);
    }
}
