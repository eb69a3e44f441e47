// SPDX-License-Identifier: Apache-2.0
// Every file of tests/vectors/attestation gives the verdict that its index states.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "attest/encoding.hpp"
#include "attest/testing/vector_check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

using codec::Json;

const testing::VectorFolder& folder() {
    static const testing::VectorFolder kFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    return kFolder;
}

std::string text(const Json& json, std::string_view name) {
    return *json.find(name)->get_string();
}

std::set<std::string> files_of(const codec::JsonArray& entries) {
    std::set<std::string> files;
    for (const Json& entry : entries) files.insert(text(entry, "file"));
    return files;
}

TEST(AttestationVectors, EveryFileOfTheIndexHasACheck) {
    EXPECT_EQ(files_of(folder().index()), files_of(folder().checks()));
}

TEST(AttestationVectors, EveryFileIsTheOneOfTheIndex) {
    for (const Json& entry : folder().index()) {
        const Bytes bytes = folder().read(text(entry, "file"));
        EXPECT_EQ(plain_hex(crypto::sha256(bytes).view()), text(entry, "sha256")) << text(entry, "file");
    }
}

class AttestationVector : public ::testing::TestWithParam<std::string> {};

TEST_P(AttestationVector, GivesTheVerdictOfTheIndex) {
    for (const Json& check : folder().checks()) {
        if (text(check, "file") != GetParam()) continue;
        const Verdict verdict = testing::run_check(folder(), check, folder().read(GetParam()));
        EXPECT_EQ(testing::compare(check, verdict), "") << codec::dump_json(check);
    }
}

std::vector<std::string> checked_files() {
    const std::set<std::string> files = files_of(folder().checks());
    return {files.begin(), files.end()};
}

INSTANTIATE_TEST_SUITE_P(All,
                         AttestationVector,
                         ::testing::ValuesIn(checked_files()),
                         [](const ::testing::TestParamInfo<std::string>& param) {
                             std::string name = param.param;
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
                             return name;
                         });

}  // namespace
}  // namespace vcity::attest
