// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "attest/encoding.hpp"
#include "attest/roots.hpp"
#include "attest/testing/vector_check.hpp"
#include "base/check.hpp"

namespace vcity::attest::testing {

// One check of verdicts.json, on given bytes. Borrows all of it.
struct Context {
    const VectorFolder& folder;
    const codec::Json& check;
    const Bytes& bytes;
    UnixMillis now;
    TrustAnchors anchors = vendor_anchors();

    bool has(std::string_view name) const { return check.find(name) != nullptr; }
    std::string text(std::string_view name) const {
        const codec::Json* value = check.find(name);
        CHECK(value != nullptr && value->is_string());
        return *value->get_string();
    }
    Bytes file(std::string_view name) const { return folder.read(text(name)); }
    std::string text_file(std::string_view name) const { return std::string{as_text(file(name))}; }
    std::string_view as_given() const { return as_text(bytes); }
};

inline std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

template <class T>
Verdict parse_verdict(const Result<T>& parsed) {
    Verdict verdict;
    if (parsed) {
        verdict.pass(Step::kFormat);
    } else {
        verdict.fail(Step::kFormat, parsed.error().message);
    }
    return verdict;
}
inline Verdict parse_verdict(bool good) {
    return parse_verdict(good ? Result<int>{0} : Result<int>{make_error(Errc::kInvalid, "malformed")});
}

// Evidence bytes, from hex where the check says so.
inline Result<Bytes> evidence(const Context& context) {
    if (!context.has("hex")) return context.bytes;
    const std::string text = trimmed(std::string{context.as_given()});
    return parse_plain_hex(text.starts_with("0x") ? text.substr(2) : text);
}

Verdict check_tpm_json(const Context& context);
Verdict check_tpm_pair(const Context& context);
Verdict check_vtpm(const Context& context);
Verdict check_hcl(const Context& context);
Verdict check_windows_tpm(const Context& context);
Verdict check_nvidia(const Context& context);
Verdict check_nvidia_chain(const Context& context);
Verdict check_claims(const Context& context);
Verdict check_measurement_claims(const Context& context);
Verdict check_ear(const Context& context);
Verdict check_rim(const Context& context);
Verdict check_nvidia_json(const Context& context);

}  // namespace vcity::attest::testing
