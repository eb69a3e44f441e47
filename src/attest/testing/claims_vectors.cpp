// SPDX-License-Identifier: Apache-2.0
// Other verifiers' statements about the same evidence, and results of appraisal.
#include <map>

#include <fmt/format.h>

#include "attest/ear.hpp"
#include "attest/testing/context.hpp"

namespace vcity::attest::testing {
namespace {

using codec::Json;

// The member at "quote/body/mr_td".
const Json* at_path(const Json& root, std::string_view path) {
    const Json* value = &root;
    while (value != nullptr && !path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        value = value->find(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return value;
}

// Hex of a measurement, of the report data, or the text of a version.
std::string value_of(const Verdict& verdict, const std::string& name) {
    if (name == "report_data") return plain_hex(verdict.report_data);
    if (name == "driver_text") {
        const Bytes* driver = verdict.measurement("driver");
        return driver == nullptr ? "" : std::string{as_text(*driver)};
    }
    const Bytes* digest = verdict.measurement(name);
    return digest == nullptr ? "" : plain_hex(*digest);
}

}  // namespace

// The claims file states what our verdict of the evidence beside it says: `pairs` maps its paths to our names.
Verdict check_claims(const Context& context) {
    const Json claims = codec::parse_json(context.as_given()).value();
    const std::string evidence = context.text("evidence");
    Json check = context.check;
    check.set("file", evidence).set("as", context.text("evidence_as"));
    const Verdict verdict = run_check(context.folder, check, context.folder.read(evidence));
    Verdict result;
    for (const auto& [path, name] : *context.check.find("pairs")->get_object()) {
        const Json* stated = at_path(claims, path);
        if (stated == nullptr || !stated->is_string() ||
            *stated->get_string() != value_of(verdict, *name.get_string())) {
            result.fail(Step::kFormat, fmt::format("{} is stated otherwise", path));
            return result;
        }
    }
    result.pass(Step::kFormat);
    return result;
}

// The measurements by SPDM index.
Verdict check_measurement_claims(const Context& context) {
    Verdict result = check_claims(context);
    const Json claims = codec::parse_json(context.as_given()).value();
    Json check = context.check;
    check.set("file", context.text("evidence")).set("as", context.text("evidence_as"));
    const Verdict verdict = run_check(context.folder, check, context.file("evidence"));
    for (const auto& [index, value] : *claims.find("measurements")->get_object()) {
        if (value_of(verdict, "block" + index) != *value.get_string()) result.fail(Step::kFormat, "block " + index);
    }
    return result;
}

Verdict check_ear(const Context& context) {
    return parse_verdict(parse_ear(context.as_given()));
}

}  // namespace vcity::attest::testing
