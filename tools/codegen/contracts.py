#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes C++ bindings of the contracts: for each a header and a source in OUT/contracts, and one source of tables.

    contracts.py ARTIFACTS --out OUT    writes the files; those whose content stays are not touched
    contracts.py ARTIFACTS --list       prints the names of the files, one a line

What the generated code needs is in src/contracts. Only the standard library is used: this runs in every build.
"""
import argparse
import pathlib

from abi import Type, load, pascal, snake, types_of

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// Made by tools/codegen from contracts/deployments/artifacts.json.\n"


def cpp_type(kind):
    if kind.element:
        return f"std::vector<{cpp_type(kind.element)}>"
    if kind.struct:
        return kind.struct
    plain = {"address": "Address", "bool": "bool", "string": "std::string", "bytes": "Bytes", "bytes32": "Hash"}
    if kind.canonical in plain:
        return plain[kind.canonical]
    if kind.canonical.startswith("bytes"):
        return f"ShortBytes<{kind.canonical[5:]}>"
    width = next((width for width in (8, 16, 32, 64) if kind.bits <= width), None)
    if width:
        return f"std::{'int' if kind.is_signed else 'uint'}{width}_t"
    if kind.is_signed:
        return "U256"
    return "U128" if kind.bits <= 128 else "Uint256"


def parameter_type(kind):
    if cpp_type(kind).startswith("std::") and cpp_type(kind).endswith("_t") or cpp_type(kind) in ("bool", "U128"):
        return cpp_type(kind)
    return f"const {cpp_type(kind)}&"


def parameter_list(parameters):
    return ", ".join(f"{parameter_type(parameter.type)} {parameter.name}" for parameter in parameters)


def packed(kind, value):
    if kind.element:
        item = f"[](const {cpp_type(kind.element)}& item) {{ return {packed(kind.element, 'item')}; }}"
        return f"pack_array({value}, {item})"
    if kind.struct:
        return f"pack_struct({value})"
    if kind.canonical == "bytes":
        return f"codec::abi_bytes({value})"
    return f"pack({value})"


def unpacked(kind, value):
    if kind.element:
        inner = cpp_type(kind.element)
        item = f"[](const AbiValue& item) -> Result<{inner}> {{ return {unpacked(kind.element, 'item')}; }}"
        return f"unpack_array<{inner}>({value}, {item})"
    if kind.struct:
        return f"unpack_struct_{snake(kind.struct)}({value})"
    if kind.canonical == "bytes":
        return f"unpack_bytes({value})"
    return f"unpack<{cpp_type(kind)}>({value})"


def struct_lines(name, parameters):
    yield f"struct {name} {{"
    for parameter in parameters:
        yield f"    {cpp_type(parameter.type)} {parameter.name}{{}};"
    yield f"    bool operator==(const {name}&) const = default;"
    yield "};"


def event_type(parameter):
    """What a log holds of this parameter: of an indexed string only its hash."""
    if not (parameter.indexed and parameter.type.is_reference):
        return parameter.type
    return Type("bytes32")


def events_of(contract):
    """Overloaded events would need names of their own; none of ours is."""
    found = {}
    for event in contract.of_kind("event"):
        if event.name in found:
            raise ValueError(f"{contract.name}: two events are named {event.name}")
        found[event.name] = event
        for parameter in event.inputs:
            parameter.type = event_type(parameter)
    return list(found.values())


def result_type(contract, function):
    if len(function.outputs) == 1:
        return cpp_type(function.outputs[0].type)
    return pascal(contract.call_name(function)) + "Result"


def header(contract):
    yield HEAD + '#pragma once\n\n#include "contracts/abi.hpp"\n'
    yield f"namespace vcity::contracts::{contract.space} {{\n"
    yield f'inline constexpr std::string_view kName = "{contract.name}";\n'
    for name, struct in contract.structs.items():
        yield from struct_lines(name, struct.fields)
    for constructor in contract.of_kind("constructor"):
        yield f"\n// The arguments that follow the creation code.\nBytes encode_constructor({parameter_list(constructor.inputs)});"
    for function in contract.of_kind("function"):
        name = contract.call_name(function)
        yield f"\n// {function.signature} {function.mutability}"
        yield f"Bytes encode_{name}({parameter_list(function.inputs)});"
        if len(function.outputs) > 1:
            yield from struct_lines(result_type(contract, function), function.outputs)
        if function.outputs:
            yield f"Result<{result_type(contract, function)}> decode_{name}(ByteView answer);"
    for event in events_of(contract):
        yield f"\n// {event.signature}"
        yield from struct_lines(event.name + "Event", event.inputs)
        yield f"Hash {snake(event.name)}_topic();"
        yield f"Result<{event.name}Event> decode_{snake(event.name)}_event(const std::vector<Hash>& topics, ByteView data);"
    yield f"\n}}  // namespace vcity::contracts::{contract.space}"


def read_fields(target, parameters, source):
    for position, parameter in enumerate(parameters):
        yield f"    TRY({target}.{parameter.name}, {unpacked(parameter.type, f'{source}[{position}]')});"


def struct_code(name, struct):
    yield f"[[maybe_unused]] AbiValue pack_struct(const {name}& value) {{"
    parts = ", ".join(packed(field.type, f"value.{field.name}") for field in struct.fields)
    yield f"    return codec::abi_tuple({{{parts}}});\n}}"
    yield f"[[maybe_unused]] Result<{name}> unpack_struct_{snake(name)}(const AbiValue& value) {{"
    yield f"    {name} made;"
    yield from read_fields("made", struct.fields, "value.items")
    yield "    return made;\n}"


def function_code(contract, function):
    name = contract.call_name(function)
    parts = ", ".join(packed(parameter.type, parameter.name) for parameter in function.inputs)
    yield f"Bytes encode_{name}({parameter_list(function.inputs)}) {{"
    yield f"    return encode_selected({function.selector}, {{{parts}}});\n}}"
    if not function.outputs:
        return
    yield f"Result<{result_type(contract, function)}> decode_{name}(ByteView answer) {{"
    yield f'    TRY(const auto values, decode_answer("{types_of(function.outputs)}", answer));'
    if len(function.outputs) == 1:
        yield f"    return {unpacked(function.outputs[0].type, 'values[0]')};\n}}"
        return
    yield f"    {result_type(contract, function)} made;"
    yield from read_fields("made", function.outputs, "values")
    yield "    return made;\n}"


def hash_literal(digest):
    return "Hash{{" + ", ".join(f"0x{byte:02x}" for byte in digest) + "}}"


def event_code(event):
    marks = "".join("1" if parameter.indexed else "0" for parameter in event.inputs)
    yield f"Hash {snake(event.name)}_topic() {{\n    return {hash_literal(event.hash)};\n}}"
    yield f"Result<{event.name}Event> decode_{snake(event.name)}_event(const std::vector<Hash>& topics, ByteView data) {{"
    shape = f'"{types_of(event.inputs)}", "{marks}"'
    mark = "" if event.inputs else "[[maybe_unused]] "
    yield f"    TRY({mark}const auto values, decode_log({snake(event.name)}_topic(), {shape}, topics, data));"
    yield f"    {event.name}Event made;"
    yield from read_fields("made", event.inputs, "values")
    yield "    return made;\n}"


def source(contract):
    yield HEAD + f'#include "contracts/{contract.space}.hpp"\n'
    yield f"namespace vcity::contracts::{contract.space} {{"
    if contract.structs:
        yield "namespace {\n"
        for name, struct in contract.structs.items():
            yield from struct_code(name, struct)
        yield "\n}  // namespace"
    for constructor in contract.of_kind("constructor"):
        parts = ", ".join(packed(parameter.type, parameter.name) for parameter in constructor.inputs)
        yield f"\nBytes encode_constructor({parameter_list(constructor.inputs)}) {{"
        yield f"    return codec::abi_encode({{{parts}}});\n}}"
    for function in contract.of_kind("function"):
        yield from function_code(contract, function)
    for event in events_of(contract):
        yield from event_code(event)
    yield f"\n}}  // namespace vcity::contracts::{contract.space}"


class Tables:
    """Parameter lists are shared: many functions take the same."""

    def __init__(self):
        self.lists = {}

    def reference(self, parameters):
        if not parameters:
            return "{}"
        rows = ", ".join(
            f'{{"{parameter.type.canonical}", "{parameter.label}", {str(parameter.indexed).lower()}}}'
            for parameter in parameters
        )
        return self.lists.setdefault(rows, f"kParameters{len(self.lists)}")

    def code(self):
        for rows, name in self.lists.items():
            yield f"constexpr Parameter {name}[] = {{{rows}}};"


def mutability(function):
    return function.mutability in ("view", "pure")


def tables(contracts):
    lists = Tables()
    errors, functions, events = {}, [], []
    for contract in contracts:
        for error in contract.of_kind("error"):
            errors.setdefault(error.signature, error)
        for function in contract.of_kind("function"):
            row = f'"{contract.name}", "{function.name}", "{function.signature}", {function.selector}'
            ends = f"{lists.reference(function.inputs)}, {lists.reference(function.outputs)}"
            functions.append(f"    {{{row}, {str(mutability(function)).lower()}, {ends}}},")
        for event in events_of(contract):
            topic = hash_literal(event.hash)
            events.append(f'    {{"{contract.name}", "{event.name}", {topic}, {lists.reference(event.inputs)}}},')
    rows = [
        f'    {{"{error.name}", {error.selector}, {lists.reference(error.inputs)}}},'
        for _, error in sorted(errors.items(), key=lambda item: item[1].hash)
    ]
    names = ", ".join(f'"{contract.name}"' for contract in contracts)
    yield HEAD + '#include "contracts/tables.hpp"\n\nnamespace vcity::contracts {\nnamespace {\n'
    yield from lists.code()
    yield f"constexpr std::string_view kContracts[] = {{{names}}};"
    yield "constexpr ErrorEntry kErrors[] = {\n" + "\n".join(rows) + "\n};"
    yield "constexpr FunctionEntry kFunctions[] = {\n" + "\n".join(functions) + "\n};"
    yield "constexpr EventEntry kEvents[] = {\n" + "\n".join(events) + "\n};"
    yield "\n}  // namespace\n"
    for kind, name, table in (
        ("std::string_view", "contract_names", "kContracts"),
        ("ErrorEntry", "error_table", "kErrors"),
        ("FunctionEntry", "function_table", "kFunctions"),
        ("EventEntry", "event_table", "kEvents"),
    ):
        yield f"std::span<const {kind}> {name}() {{\n    return {table};\n}}"
    yield "\n}  // namespace vcity::contracts"


def write(path, lines):
    text = "\n".join(lines) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    contracts = load(options.artifacts)
    if options.list:
        for contract in contracts:
            print(f"contracts/{contract.space}.hpp\ncontracts/{contract.space}.cpp")
        print("contracts/tables_generated.cpp")
        return
    for contract in contracts:
        write(options.out / "contracts" / f"{contract.space}.hpp", header(contract))
        write(options.out / "contracts" / f"{contract.space}.cpp", source(contract))
    write(options.out / "contracts" / "tables_generated.cpp", tables(contracts))


if __name__ == "__main__":
    main()
