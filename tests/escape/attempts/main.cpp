// SPDX-License-Identifier: Apache-2.0
// escape NAME [secret_file secret_socket abstract_socket public_file setuid_program host_address|- host_port
//              host_process shared_memory_key]
// Makes one attempt and says what came of it: status 0 it was refused, 10 it succeeded, 20 nothing was learned.
// "whoami" ends with 50 for root and 51 for others; "bomb NAME" never ends.
#include <charconv>
#include <cstdio>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

constexpr int kWords = 9;

int number_in(std::string_view text) {
    int number = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Target target_of(char** words) {
    Target target;
    target.secret_file = words[0];
    target.secret_socket = words[1];
    target.abstract_socket = words[2];
    target.public_file = words[3];
    target.setuid_program = words[4];
    target.host_address = std::string_view{words[5]} == "-" ? "" : words[5];
    target.host_port = static_cast<std::uint16_t>(number_in(words[6]));
    target.host_process = number_in(words[7]);
    target.shared_memory_key = number_in(words[8]);
    return target;
}

int report(const Attempt& attempt, const Outcome& outcome) {
    const char* word = "untried";
    int status = 20;
    if (outcome.verdict == Verdict::kRefused) {
        word = "refused";
        status = 0;
    } else if (outcome.verdict == Verdict::kSucceeded) {
        word = "succeeded";
        status = 10;
    }
    std::printf("%.*s %s: %s\n", static_cast<int>(attempt.name.size()), attempt.name.data(), word,
                outcome.detail.c_str());
    std::fflush(stdout);
    return status;
}

int run(int count, char** words) {
    const std::string_view name = count > 1 ? words[1] : "";
    if (name == "whoami") return ::geteuid() == 0 ? 50 : 51;
    if (name == "bomb" && count > 2) return run_bomb(words[2]);
    if (count != 2 + kWords) return 2;
    for (const Attempt& attempt : all_attempts()) {
        if (attempt.name == name) return report(attempt, attempt.run(target_of(words + 2)));
    }
    return 2;
}

}  // namespace
}  // namespace vcity::escape

int main(int count, char** words) {
    return vcity::escape::run(count, words);
}
