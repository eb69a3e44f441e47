// SPDX-License-Identifier: Apache-2.0
#include "seal/testing/soft_tpm.hpp"

#include "attest/cursor.hpp"
#include "attest/tpm/credential.hpp"
#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::seal::testing {
namespace {

void put(Bytes* bytes, std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i > 0; --i) bytes->push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
}

void put_sized(Bytes* bytes, ByteView view) {
    put(bytes, view.size(), 2);
    append(bytes, view);
}

// A restricted signing key on P-256, fixed to its TPM.
Bytes public_area_of(ByteView point) {
    Bytes area;
    put(&area, 0x0023, 2);
    put(&area, 0x000b, 2);
    put(&area, 0x00050072, 4);
    put_sized(&area, {});
    put(&area, 0x0010, 2);
    put(&area, 0x0018000b, 4);
    put(&area, 0x0003, 2);
    put(&area, 0x0010, 2);
    put_sized(&area, point.first(32));
    put_sized(&area, point.last(32));
    return area;
}

}  // namespace

SoftTpm::SoftTpm() : key_{attest::testing::Authority::root()}, public_area_{public_area_of(key_.public_point())} {}

Task<Result<attest::Evidence>> SoftTpm::evidence(Bytes report_data) {
    ++asked;
    if (failure) co_return *failure;
    if (report_data.empty() || report_data.size() > 64) co_return make_error(Errc::kInvalid, "report data");
    co_return quote(report_data);
}

attest::Evidence SoftTpm::quote(ByteView report_data) const {
    const Bytes zero(32);
    Bytes message;
    put(&message, 0xff544347, 4);
    put(&message, 0x8018, 2);
    put_sized(&message, Bytes(34));
    put_sized(&message, crypto::sha256(report_data).view());
    put(&message, 1, 8);
    put(&message, 0, 8);
    put(&message, 1, 1);
    put(&message, 1, 8);
    put(&message, 1, 4);
    put(&message, 0x000b, 2);
    append(&message, Bytes{3, 1, 0, 0});
    put_sized(&message, crypto::sha256(zero).view());
    const Bytes r_s = key_.sign(message);
    attest::Evidence evidence;
    evidence.kind = kind();
    put(&evidence.signature, 0x0018000b, 4);
    put_sized(&evidence.signature, ByteView{r_s}.first(32));
    put_sized(&evidence.signature, ByteView{r_s}.last(32));
    evidence.report = std::move(message);
    evidence.key = public_area_;
    evidence.registers = {zero};
    return evidence;
}

attest::EnrolledKey SoftTpm::enrolled() const {
    const Result<Bytes> name = attest::tpm_name(public_area_);
    CHECK(name.has_value());
    return {.name = *name, .endorsement = crypto::sha256(public_area_)};
}

}  // namespace vcity::seal::testing
