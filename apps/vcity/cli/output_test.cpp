// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

TEST(Table, AlignsWideCharacters) {
    const Table table{.titles = {"Name", "Price"}, .rows = {{"诗", "1"}, {"long name", "20"}}};

    EXPECT_EQ(render_table(table), "Name       Price\n诗         1\nlong name  20\n");
}

TEST(Table, JsonKeysAreTitlesInSnakeCase) {
    const Table table{.titles = {"Node kind", "Price (USD)"}, .rows = {{"stable", "0.5"}}};

    EXPECT_EQ(codec::dump_json(to_json(table)), R"([{"node_kind":"stable","price_usd":"0.5"}])");
}

TEST(ExitCodes, EveryErrorHasOneThatIsNotSuccess) {
    for (const Errc code : {Errc::kInvalid, Errc::kNotFound, Errc::kConflict, Errc::kDenied, Errc::kExhausted,
                            Errc::kUnavailable, Errc::kTimeout, Errc::kCorrupt, Errc::kInternal}) {
        EXPECT_NE(exit_of(code), Exit::kOk) << to_string(code);
    }
    EXPECT_EQ(exit_of(Errc::kNotFound), Exit::kNotFound);
    EXPECT_EQ(exit_of(Errc::kTimeout), Exit::kTimeout);
    EXPECT_EQ(exit_of(make_error(Errc::kExhausted, "no node is free")), Exit::kNoCapacity);
    EXPECT_EQ(exit_of(make_error(Errc::kExhausted, "payment needed: the cap is used up")), Exit::kPayment);
}

}  // namespace
}  // namespace vcity::cli
