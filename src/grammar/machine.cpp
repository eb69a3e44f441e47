// SPDX-License-Identifier: Apache-2.0
#include "grammar/machine.hpp"

#include <algorithm>
#include <string_view>

namespace vcity::grammar {
namespace {

constexpr std::size_t kReadingsMax = 1'024;
constexpr std::size_t kFramesMax = 64;
constexpr std::uint32_t kDigitsMax = 15;
constexpr std::uint32_t kExponentDigitsMax = 2;

using FrameKind = Frame::Kind;
using NodeKind = Node::Kind;

// Inside a string: between characters, in an escape, or in a character of several bytes.
enum StringState : std::uint8_t {
    kPlain = 0,
    kEscape,
    kHex4,  // as many digits of \u are missing
    kHex3,
    kHex3AfterD,  // no surrogate: a digit below 8
    kHex2,
    kHex1,
    kMore1,  // as many bytes of a character are missing
    kMore2,
    kMore3,
    kMore2From9,  // E0: no overlong forms
    kMore2To9,    // ED: no surrogates
    kMore3From9,  // F0
    kMore3To8,    // F4
};

enum NumberState : std::uint8_t { kMinus = 0, kZero, kDigits, kPoint, kFraction, kE, kESign, kExponent };

bool is_digit(std::uint8_t byte) {
    return byte >= '0' && byte <= '9';
}
bool is_hex(std::uint8_t byte) {
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}
bool may_stop(std::uint8_t number_state) {
    return number_state == kZero || number_state == kDigits || number_state == kFraction || number_state == kExponent;
}

struct StringStep {
    bool fits = false;
    std::uint8_t state = kPlain;
    bool begins = false;  // a character
};

StringStep first_byte(std::uint8_t byte) {
    if (byte == '\\') return {true, kEscape, true};
    if (byte >= 0x20 && byte < 0x80 && byte != '"') return {true, kPlain, true};
    if (byte >= 0xc2 && byte <= 0xdf) return {true, kMore1, true};
    if (byte == 0xe0) return {true, kMore2From9, true};
    if (byte == 0xed) return {true, kMore2To9, true};
    if (byte >= 0xe1 && byte <= 0xef) return {true, kMore2, true};
    if (byte == 0xf0) return {true, kMore3From9, true};
    if (byte >= 0xf1 && byte <= 0xf3) return {true, kMore3, true};
    if (byte == 0xf4) return {true, kMore3To8, true};
    return {};
}

StringStep string_step(std::uint8_t state, std::uint8_t byte) {
    const bool continues = byte >= 0x80 && byte <= 0xbf;
    switch (state) {
        case kPlain: return first_byte(byte);
        case kEscape:
            if (byte == 'u') return {true, kHex4};
            return {std::string_view{"\"\\/bfnrt"}.find(static_cast<char>(byte)) != std::string_view::npos, kPlain};
        case kHex4: return {is_hex(byte), byte == 'd' || byte == 'D' ? kHex3AfterD : kHex3};
        case kHex3: return {is_hex(byte), kHex2};
        case kHex3AfterD: return {byte >= '0' && byte <= '7', kHex2};
        case kHex2: return {is_hex(byte), kHex1};
        case kHex1: return {is_hex(byte), kPlain};
        case kMore1: return {continues, kPlain};
        case kMore2: return {continues, kMore1};
        case kMore3: return {continues, kMore2};
        case kMore2From9: return {byte >= 0xa0 && byte <= 0xbf, kMore1};
        case kMore2To9: return {byte >= 0x80 && byte <= 0x9f, kMore1};
        case kMore3From9: return {byte >= 0x90 && byte <= 0xbf, kMore2};
        case kMore3To8: return {byte >= 0x80 && byte <= 0x8f, kMore2};
        default: return {};
    }
}

// Bytes to the end of a character that was begun.
std::uint32_t string_rest(std::uint8_t state) {
    switch (state) {
        case kEscape:
        case kHex1:
        case kMore1: return 1;
        case kHex2:
        case kMore2:
        case kMore2From9:
        case kMore2To9: return 2;
        case kHex3:
        case kHex3AfterD:
        case kMore3:
        case kMore3From9:
        case kMore3To8: return 3;
        case kHex4: return 4;
        default: return 0;
    }
}

// The frame after one more byte of a number; false: it is none of it.
bool number_step(bool is_integer, std::uint8_t byte, Frame* frame) {
    const auto to = [frame](NumberState state) {
        frame->count = state == static_cast<NumberState>(frame->state) || state == kFraction ? frame->count + 1 : 1;
        frame->state = state;
        return true;
    };
    const bool may_go_on = may_stop(frame->state) && frame->state != kExponent && !is_integer;
    if (may_go_on && byte == '.' && frame->state != kFraction && frame->count < kDigitsMax) {
        frame->state = kPoint;
        return true;
    }
    if (may_go_on && (byte == 'e' || byte == 'E')) return to(kE);
    if (frame->state == kE && (byte == '+' || byte == '-')) return to(kESign);
    if (!is_digit(byte)) return false;
    switch (frame->state) {
        case kMinus: return to(byte == '0' ? kZero : kDigits);
        case kDigits: return frame->count < kDigitsMax && to(kDigits);
        case kPoint:
        case kFraction: return frame->count < kDigitsMax && to(kFraction);
        case kE:
        case kESign: return to(kExponent);
        case kExponent: return frame->count < kExponentDigitsMax && to(kExponent);
        default: return false;
    }
}

}  // namespace

// One byte on one reading, which may go on in several ways.
struct Machine::Step {
    const Schema& schema;
    std::uint8_t byte;
    State* out;
    std::vector<NodeId> opened{};  // alternatives of this step: one that leads to itself is opened once

    void give(Reading reading) {
        if (out->size() < kReadingsMax) out->push_back(std::move(reading));
    }

    void run(Reading reading) {
        while (!reading.empty()) {
            Frame& top = reading.back();
            switch (top.kind) {
                case FrameKind::kSpacedValue:
                case FrameKind::kSpacedKey: {
                    const bool is_key = top.kind == FrameKind::kSpacedKey;
                    top.kind = is_key ? FrameKind::kObjectKey : FrameKind::kValue;
                    if (byte == ' ') return give(std::move(reading));
                    continue;
                }
                case FrameKind::kNumber:
                    if (number_step(schema.nodes[top.node].kind == NodeKind::kInteger, byte, &top)) {
                        return give(std::move(reading));
                    }
                    if (!may_stop(top.state)) return;
                    reading.pop_back();  // the byte belongs to what follows
                    continue;
                case FrameKind::kValue: return value(std::move(reading));
                case FrameKind::kLiteral: return text(schema.nodes[top.node].literal, std::move(reading));
                case FrameKind::kString: return string(std::move(reading));
                case FrameKind::kKeyText: return key_text(std::move(reading));
                default: return container(std::move(reading));
            }
        }
    }

    void value(Reading reading) {
        const Frame top = reading.back();
        const Node& node = schema.nodes[top.node];
        const auto become = [&](Frame frame) {
            frame.node = top.node;
            reading.back() = frame;
            give(std::move(reading));
        };
        switch (node.kind) {
            case NodeKind::kAlternatives: return alternatives(std::move(reading));
            case NodeKind::kLiteral:
                reading.back().kind = FrameKind::kLiteral;
                return text(node.literal, std::move(reading));
            case NodeKind::kString:
                if (byte == '"') become({.kind = FrameKind::kString});
                return;
            case NodeKind::kNumber:
            case NodeKind::kInteger:
                if (byte == '-' && node.may_be_negative) become({.kind = FrameKind::kNumber, .state = kMinus});
                if (byte == '0') become({.kind = FrameKind::kNumber, .state = kZero, .count = 1});
                if (byte > '0' && byte <= '9') become({.kind = FrameKind::kNumber, .state = kDigits, .count = 1});
                return;
            case NodeKind::kMap:
            case NodeKind::kObject:
                if (byte == '{' && reading.size() < kFramesMax) become({.kind = FrameKind::kObjectFirst});
                return;
            case NodeKind::kArray:
                if (byte == '[' && reading.size() < kFramesMax) become({.kind = FrameKind::kArrayFirst});
                return;
        }
    }

    void alternatives(Reading reading) {
        const NodeId node = reading.back().node;
        if (std::ranges::find(opened, node) != opened.end()) return;
        opened.push_back(node);
        for (const NodeId id : schema.nodes[node].alternatives) {
            Reading one = reading;
            one.back().node = id;
            value(std::move(one));
        }
    }

    void text(std::string_view whole, Reading reading) {
        Frame& top = reading.back();
        if (static_cast<std::uint8_t>(whole[top.at]) != byte) return;
        ++top.at;
        if (top.at == whole.size()) reading.pop_back();
        give(std::move(reading));
    }

    void string(Reading reading) {
        Frame& top = reading.back();
        const Node& node = schema.nodes[top.node];
        if (node.kind == NodeKind::kMap) {  // the key of a map: any text
            if (top.state == kPlain && byte == '"') {
                top = {.kind = FrameKind::kColon, .node = top.node};
                return give(std::move(reading));
            }
        } else if (top.state == kPlain && byte == '"') {
            if (top.count < node.least) return;
            reading.pop_back();
            return give(std::move(reading));
        }
        const StringStep step = string_step(top.state, byte);
        if (!step.fits) return;
        const bool is_counted = node.kind == NodeKind::kString && (node.least > 0 || node.most < kEndless);
        if (step.begins && is_counted) {
            if (top.count >= node.most) return;
            ++top.count;
        }
        top.state = step.state;
        give(std::move(reading));
    }

    void key_text(Reading reading) {
        Frame& top = reading.back();
        const Property& property = schema.nodes[top.node].properties[top.at];
        if (static_cast<std::uint8_t>(property.key[top.count]) != byte) return;
        ++top.count;
        if (top.count == property.key.size()) {
            top = {.kind = FrameKind::kObjectNext, .node = top.node, .at = top.at + 1};
            reading.push_back({.kind = FrameKind::kSpacedValue, .node = property.value});
        }
        give(std::move(reading));
    }

    // A key is expected: of a map any, of an object those up to the first that must come.
    void key(Reading reading) {
        const Frame top = reading.back();
        const Node& node = schema.nodes[top.node];
        if (byte != '"') return;
        if (node.kind == NodeKind::kMap) {
            reading.back() = {.kind = FrameKind::kString, .node = top.node};
            return give(std::move(reading));
        }
        for (std::uint32_t i = top.at; i < node.properties.size(); ++i) {
            Reading one = reading;
            one.back() = {.kind = FrameKind::kKeyText, .node = top.node, .at = i, .count = 1};
            give(std::move(one));
            if (node.properties[i].is_required) return;
        }
    }

    void container(Reading reading) {
        const Frame top = reading.back();
        const Node& node = schema.nodes[top.node];
        const bool is_object = node.kind == NodeKind::kObject;
        const bool may_close = is_object ? node.rest_min[top.at] == 0 : top.at >= node.least;
        const auto close = [&] {
            reading.pop_back();
            give(std::move(reading));
        };
        switch (top.kind) {
            case FrameKind::kObjectFirst:
                if (byte == '}' && (may_close || node.kind == NodeKind::kMap)) return close();
                return key(std::move(reading));
            case FrameKind::kObjectNext:
                if (byte == '}' && (may_close || node.kind == NodeKind::kMap)) return close();
                if (byte != ',' || (is_object && top.at >= node.properties.size())) return;
                reading.back().kind = FrameKind::kSpacedKey;
                return give(std::move(reading));
            case FrameKind::kObjectKey: return key(std::move(reading));
            case FrameKind::kColon:
                if (byte != ':') return;
                reading.back() = {.kind = FrameKind::kObjectNext, .node = top.node};
                reading.push_back({.kind = FrameKind::kSpacedValue, .node = node.item});
                return give(std::move(reading));
            case FrameKind::kArrayFirst: {
                if (byte == ']' && may_close) return close();
                if (node.most == 0) return;
                const bool is_counted = node.least > 0 || node.most < kEndless;
                reading.back() = {.kind = FrameKind::kArrayNext, .node = top.node, .at = is_counted ? 1U : 0U};
                reading.push_back({.kind = FrameKind::kValue, .node = node.item});
                return value(std::move(reading));
            }
            case FrameKind::kArrayNext:
                if (byte == ']' && may_close) return close();
                if (byte != ',' || top.at >= node.most) return;
                if (node.least > 0 || node.most < kEndless) ++reading.back().at;
                reading.push_back({.kind = FrameKind::kSpacedValue, .node = node.item});
                return give(std::move(reading));
            default: return;
        }
    }
};

State Machine::start() const {
    return {Reading{Frame{.node = schema_.root}}};
}

State Machine::next(const State& state, std::uint8_t byte) const {
    State out;
    for (const Reading& reading : state) {
        Step step{.schema = schema_, .byte = byte, .out = &out};
        step.run(reading);
    }
    if (out.size() < 2) return out;
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

bool Machine::may_end(const State& state) {
    return std::ranges::any_of(state, [](const Reading& reading) {
        return reading.empty() ||
               (reading.size() == 1 && reading[0].kind == FrameKind::kNumber && may_stop(reading[0].state));
    });
}

std::uint32_t Machine::rest_of(const Frame& frame) const {
    const Node& node = schema_.nodes[frame.node];
    const auto items = [&] {  // and the closing bracket
        const std::uint64_t missing = node.least > frame.at ? node.least - frame.at : 0;
        const std::uint64_t bytes = missing * (std::uint64_t{schema_.nodes[node.item].bytes_min} + 1);
        return bytes;
    };
    const bool is_map = node.kind == NodeKind::kMap;
    std::uint64_t rest = 0;
    switch (frame.kind) {
        case FrameKind::kValue:
        case FrameKind::kSpacedValue: rest = node.bytes_min; break;
        case FrameKind::kLiteral: rest = node.literal.size() - frame.at; break;
        case FrameKind::kString:
            rest = std::uint64_t{string_rest(frame.state)} + 1;
            // Of a map's key: colon, value and bracket as well.
            if (is_map) rest += 2 + std::uint64_t{schema_.nodes[node.item].bytes_min};
            if (!is_map && node.least > frame.count) rest += node.least - frame.count;
            break;
        case FrameKind::kNumber: rest = may_stop(frame.state) ? 0 : 1; break;
        case FrameKind::kObjectFirst: rest = is_map || node.rest_min[0] == 0 ? 1 : node.rest_min[0]; break;
        case FrameKind::kObjectNext: rest = is_map ? 1 : std::uint64_t{node.rest_min[frame.at]} + 1; break;
        case FrameKind::kObjectKey:
        case FrameKind::kSpacedKey:
            rest = is_map ? std::uint64_t{schema_.nodes[node.item].bytes_min} + 4 : key_rest(node, frame.at);
            break;
        case FrameKind::kKeyText: {
            const Property& property = node.properties[frame.at];
            rest = property.key.size() - frame.count + schema_.nodes[property.value].bytes_min +
                   node.rest_min[frame.at + 1] + 1;
            break;
        }
        case FrameKind::kColon: rest = std::uint64_t{schema_.nodes[node.item].bytes_min} + 2; break;
        case FrameKind::kArrayFirst: rest = items() == 0 ? 1 : items(); break;
        case FrameKind::kArrayNext: rest = items() + 1; break;
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rest, kEndless));
}

// One member must come after a comma, be it required or not.
std::uint32_t Machine::key_rest(const Node& node, std::uint32_t at) const {
    std::uint64_t best = kEndless;
    for (std::size_t i = at; i < node.properties.size(); ++i) {
        const Property& property = node.properties[i];
        best = std::min(best, property.key.size() + schema_.nodes[property.value].bytes_min +
                                  std::uint64_t{node.rest_min[i + 1]} + 1);
        if (property.is_required) break;
    }
    return static_cast<std::uint32_t>(best);
}

std::uint32_t Machine::distance(const State& state) const {
    std::uint64_t best = kEndless;
    for (const Reading& reading : state) {
        std::uint64_t rest = 0;
        for (const Frame& frame : reading) rest += rest_of(frame);
        best = std::min(best, rest);
    }
    return static_cast<std::uint32_t>(best);
}

}  // namespace vcity::grammar
