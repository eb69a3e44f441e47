// SPDX-License-Identifier: Apache-2.0
#include "cli/keys.hpp"

#include <filesystem>

#include <fmt/core.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "base/check.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/keystore.hpp"

namespace vcity::cli {
namespace {

constexpr std::size_t kPasswordBytesMax = 1024;

Bytes to_bytes(std::string_view text) {
    return Bytes(text.begin(), text.end());
}

Result<SecretBytes> ask(std::string_view prompt) {
    if (isatty(STDIN_FILENO) == 0) {
        return make_error(Errc::kDenied, "no terminal to ask for the password; name a file with --password-file");
    }
    fmt::print(stderr, "{}: ", prompt);
    std::fflush(stderr);
    termios before{};
    tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    Bytes typed;
    char character = 0;
    while (typed.size() < kPasswordBytesMax && read(STDIN_FILENO, &character, 1) == 1 && character != '\n') {
        typed.push_back(static_cast<std::uint8_t>(character));
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fmt::print(stderr, "\n");
    return SecretBytes{std::move(typed)};
}

}  // namespace

Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    CHECK(size <= 256);
    CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(size));
    return bytes;
}

Result<SecretBytes> read_password(const std::string& password_file, std::string_view prompt) {
    if (password_file.empty()) return ask(prompt);
    TRY(const std::string text, read_file(password_file, kPasswordBytesMax));
    if (text.empty()) return make_error(Errc::kInvalid, fmt::format("{} is empty", password_file));
    return SecretBytes{to_bytes(text)};
}

Result<crypto::PrivateKey> load_key(const KeyFiles& files) {
    if (files.keystore.empty()) {
        return make_error(Errc::kInvalid,
                          "no key file: name one with --keystore or VCITY_KEYSTORE, or make one with "
                          "`vcity wallet new`");
    }
    TRY(const std::string text, read_file(files.keystore));
    TRY(const SecretBytes password, read_password(files.password_file, "password of " + files.keystore));
    return crypto::decrypt_keystore(text, password.reveal());
}

Result<Address> create_key(const KeyFiles& files, KeyCost cost) {
    namespace fs = std::filesystem;
    if (exists(files.keystore)) {
        return make_error(Errc::kConflict, fmt::format("{} exists; keys are never overwritten", files.keystore));
    }
    TRY(const SecretBytes password, read_password(files.password_file, "new password"));
    TRY(const crypto::PrivateKey key, crypto::PrivateKey::make(random_bytes(32)));
    const crypto::KeystoreRandomness randomness{
        .salt = random_bytes(32), .iv = random_bytes(16), .uuid = random_bytes(16)};
    // A development network opens a dozen keys at every start; its keys guard nothing of value.
    const crypto::ScryptCost scrypt =
        cost == KeyCost::kStrong ? crypto::ScryptCost{} : crypto::ScryptCost{.n = 1U << 12U};
    TRY(const std::string text, crypto::encrypt_keystore(key, password.reveal(), randomness, scrypt));
    const fs::path folder = fs::path{files.keystore}.parent_path();
    if (!folder.empty()) fs::create_directories(folder);
    TRY_OK(write_file(files.keystore, text + "\n", 0600));
    return key.address();
}

Result<Address> keystore_address(const std::string& keystore) {
    TRY(const std::string text, read_file(keystore));
    TRY(const codec::Json json, codec::parse_json(text));
    const codec::Json* address = json.find("address");
    if (address == nullptr || address->get_string() == nullptr) {
        return make_error(Errc::kInvalid, fmt::format("{} names no address", keystore));
    }
    const std::string& digits = *address->get_string();
    return crypto::parse_address(digits.starts_with("0x") ? digits : "0x" + digits);
}

}  // namespace vcity::cli
