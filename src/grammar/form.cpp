// SPDX-License-Identifier: Apache-2.0
#include "grammar/form.hpp"

namespace vcity::grammar {

Result<Form> Form::parse(std::string_view json) {
    constexpr std::size_t kTriggerBytesMax = 64;
    codec::JsonLimits limits;
    limits.bytes_max = kFormBytesMax;
    limits.values_max = 10'000;
    TRY(const codec::Json form, codec::parse_json(json, limits));
    const codec::Json* schema = form.find("schema");
    if (schema == nullptr) return make_error(Errc::kInvalid, "a form needs a schema");
    std::string trigger;
    if (const codec::Json* after = form.find("after")) {
        if (after->get_string() == nullptr || after->get_string()->empty()) {
            return make_error(Errc::kInvalid, "'after' must be a text");
        }
        trigger = *after->get_string();
    }
    if (trigger.size() > kTriggerBytesMax) return make_error(Errc::kInvalid, "'after' is too long");
    TRY(Schema read, read_schema(*schema));
    return Form{std::move(trigger), Machine{std::move(read)}};
}

FormState Form::start() const {
    if (!trigger_.empty()) return {.mode = FormState::Mode::kTrigger};
    return {.mode = FormState::Mode::kForm, .readings = machine_.start()};
}

FormState Form::next(const FormState& state, std::uint8_t byte) const {
    switch (state.mode) {
        case FormState::Mode::kFree: return state;
        case FormState::Mode::kForm:
            return {.mode = FormState::Mode::kForm, .readings = machine_.next(state.readings, byte)};
        case FormState::Mode::kTrigger: break;
    }
    if (static_cast<std::uint8_t>(trigger_[state.matched]) != byte) return {.mode = FormState::Mode::kFree};
    if (state.matched + 1 < trigger_.size()) {
        return {.mode = FormState::Mode::kTrigger, .matched = state.matched + 1};
    }
    return {.mode = FormState::Mode::kForm, .readings = machine_.start()};
}

}  // namespace vcity::grammar
