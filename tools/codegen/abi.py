# SPDX-License-Identifier: Apache-2.0
"""The contracts of artifacts.json as the generator needs them: canonical signatures, C++ names and C++ types."""
import json
import re
from dataclasses import dataclass

from keccak import keccak256

KEYWORDS = set(
    """alignas alignof and asm auto bool break case catch char class concept const constexpr continue decltype default
    delete do double else enum explicit export extern false float for friend goto if inline int long mutable namespace
    new noexcept not nullptr operator or private protected public register requires return short signed sizeof static
    struct switch template this throw true try typedef typename union unsigned using virtual void volatile while xor
    answer result topics data values""".split()
)


def snake(name):
    """uiMultiplier -> ui_multiplier, VeVCAI -> ve_vcai, GENESIS_SALE -> genesis_sale"""
    name = name.strip("_")
    if re.fullmatch(r"[A-Z0-9_]+", name):
        return name.lower()
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"_+", "_", name).lower()


def identifier(name):
    name = snake(name)
    return name + "_" if name in KEYWORDS else name


def pascal(name):
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"_+", name) if part)


@dataclass
class Type:
    """word types by name; arrays have `element`; tuples have `struct` (C++ name) and `fields`."""

    canonical: str
    element: "Type" = None
    struct: str = None
    fields: list = None

    @property
    def bits(self):
        match = re.fullmatch(r"u?int(\d+)", self.canonical)
        return int(match[1]) if match else 0

    @property
    def is_signed(self):
        return self.canonical.startswith("int")

    @property
    def is_reference(self):
        """Whether an event's topic holds only this value's hash."""
        return bool(self.element or self.fields) or self.canonical in ("bytes", "string")


@dataclass
class Parameter:
    name: str  # as a C++ identifier
    label: str  # as the source has it, may be empty
    type: Type
    indexed: bool = False


@dataclass
class Entry:
    kind: str  # function, event, error, constructor
    name: str
    inputs: list
    outputs: list
    mutability: str = ""

    @property
    def signature(self):
        return self.name + types_of(self.inputs)

    @property
    def hash(self):
        return keccak256(self.signature.encode())

    @property
    def selector(self):
        return "0x" + self.hash[:4].hex()


def types_of(parameters):
    return "(" + ",".join(parameter.type.canonical for parameter in parameters) + ")"


class Contract:
    def __init__(self, name, abi):
        self.name = name
        self.space = snake(name)
        self.structs = {}  # C++ name -> Type, in the order in which they may be declared
        self.entries = [self._entry(item) for item in abi if item["type"] in ("function", "event", "error", "constructor")]

    def of_kind(self, kind):
        return [entry for entry in self.entries if entry.kind == kind]

    def call_name(self, function):
        """The C++ name; overloads are told apart by their types, a constant from a function by its capitals."""
        same = [other for other in self.of_kind("function") if snake(other.name) == snake(function.name)]
        if len({other.name for other in same}) > 1 and function.name.isupper():
            return "constant_" + snake(function.name)
        same = [other for other in same if not other.name.isupper()]
        if len(same) <= 1:
            return snake(function.name)
        suffix = re.sub(r"[^A-Za-z0-9]+", "_", types_of(function.inputs)).strip("_")
        return snake(function.name) + ("_of_" + suffix if suffix else "_of_nothing")

    def _entry(self, item):
        return Entry(
            kind=item["type"],
            name=item.get("name", ""),
            inputs=self._parameters(item.get("inputs", [])),
            outputs=self._parameters(item.get("outputs", [])),
            mutability=item.get("stateMutability", ""),
        )

    def _parameters(self, items):
        used = set()
        parameters = []
        for position, item in enumerate(items):
            name = identifier(item["name"]) or f"value{position}"
            while name in used:
                name += "_"
            used.add(name)
            kind = self._type(item, item["type"])
            parameters.append(Parameter(name, item["name"].strip("_"), kind, item.get("indexed", False)))
        return parameters

    def _type(self, item, text):
        if text.endswith("[]"):
            element = self._type(item, text[:-2])
            return Type(element.canonical + "[]", element=element)
        if text.endswith("]"):
            raise ValueError(f"{self.name}: arrays of fixed length are not supported: {text} {item['name']}")
        if text == "tuple":
            fields = self._parameters(item["components"])
            made = Type(types_of(fields), fields=fields)
            made.struct = self._declare(item, made)
            return made
        if not re.fullmatch(r"address|bool|string|bytes(\d{0,2})|u?int\d+", text):
            raise ValueError(f"{self.name}: unknown type {text}")
        return Type(text)

    def _declare(self, item, made):
        path = re.sub(r"\[\]", "", item.get("internalType", "struct Tuple")).removeprefix("struct ")
        for name in (path.split(".")[-1], path.replace(".", "")):
            known = self.structs.get(name)
            if known is None or (known.canonical, names_of(known)) == (made.canonical, names_of(made)):
                self.structs.setdefault(name, made)
                return name
        raise ValueError(f"{self.name}: two structs are named {path}")


def names_of(struct):
    return [field.name for field in struct.fields]


def load(path):
    with open(path, encoding="utf-8") as file:
        artifacts = json.load(file)
    return [Contract(name, artifact["abi"]) for name, artifact in artifacts.items()]
