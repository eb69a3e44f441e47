// SPDX-License-Identifier: Apache-2.0
#include "attest/certificate.hpp"

#include <gtest/gtest.h>

#include "attest/testing/authority.hpp"

namespace vcity::attest {
namespace {

using testing::Authority;
using testing::CertificateSpec;

constexpr UnixMillis kNow{1'750'000'000'000U};

// Root, intermediate and leaf as specified, verified at `now`.
Result<void> verify(const CertificateSpec& intermediate, const CertificateSpec& leaf, UnixMillis now = kNow) {
    const Authority root = Authority::root();
    const Authority middle = root.issue(intermediate);
    const Authority end = middle.issue(leaf);
    const std::vector<const Certificate*> chain{&end.certificate(), &middle.certificate(), &root.certificate()};
    return verify_chain(chain, {root.certificate().fingerprint()}, now);
}

CertificateSpec a_leaf() {
    return {.subject = "Leaf", .is_ca = false, .may_sign = false};
}

std::string reason(const Result<void>& result) {
    return result ? "" : result.error().message;
}

TEST(CertificateChain, OfGoodCertificatesIsAccepted) {
    EXPECT_EQ(reason(verify({}, a_leaf())), "");
    EXPECT_EQ(reason(verify({.path_length = 0}, a_leaf())), "");
}

TEST(CertificateChain, WithALeafThatSignsIsRefused) {
    EXPECT_EQ(reason(verify({.is_ca = false}, a_leaf())), "certificate CA: may not sign certificates");
    EXPECT_EQ(reason(verify({.may_sign = false}, a_leaf())), "certificate CA: may not sign certificates");
}

TEST(CertificateChain, OutsideItsValidityIsRefused) {
    EXPECT_EQ(reason(verify({}, a_leaf(), UnixMillis{1'599'999'999'999U})), "certificate Leaf: not valid yet");
    EXPECT_EQ(reason(verify({}, a_leaf(), UnixMillis{1'600'000'000'000U})), "");
    EXPECT_EQ(reason(verify({}, a_leaf(), UnixMillis{1'900'000'000'000U})), "");
    EXPECT_EQ(reason(verify({}, a_leaf(), UnixMillis{1'900'000'000'001U})), "certificate Leaf: expired");
    EXPECT_EQ(reason(verify({.not_after_s = 1'700'000'000}, a_leaf())), "certificate CA: expired");
}

TEST(CertificateChain, WithAnUnknownCriticalExtensionIsRefused) {
    CertificateSpec leaf = a_leaf();
    leaf.has_unknown_critical = true;

    EXPECT_EQ(reason(verify({}, leaf)), "certificate Leaf: an extension is malformed or critical and unknown");
}

TEST(CertificateChain, SignedWithSha1IsRefused) {
    CertificateSpec leaf = a_leaf();
    leaf.is_sha1 = true;

    EXPECT_EQ(reason(verify({}, leaf)), "certificate Leaf: a weak signature");
}

TEST(CertificateChain, LongerThanItsIssuersAllowIsRefused) {
    const Authority root = Authority::root({.subject = "Root", .path_length = 0});
    const Authority middle = root.issue({});
    const Authority leaf = middle.issue(a_leaf());
    const std::vector<const Certificate*> chain{&leaf.certificate(), &middle.certificate(), &root.certificate()};

    EXPECT_EQ(reason(verify_chain(chain, {root.certificate().fingerprint()}, kNow)),
              "certificate Root: the chain is longer than it allows");
}

TEST(CertificateChain, ToAnotherRootOfTheSameNameIsRefused) {
    const Authority root = Authority::root();
    const Authority other = Authority::root();
    const Authority leaf = root.issue(a_leaf());
    const std::vector<const Certificate*> forged{&leaf.certificate(), &other.certificate()};

    EXPECT_EQ(reason(verify_chain(forged, {root.certificate().fingerprint()}, kNow)),
              "chain: does not end in a known root");
    EXPECT_EQ(reason(verify_chain(forged, {other.certificate().fingerprint()}, kNow)),
              "certificate Leaf: the signature does not verify");
}

TEST(CertificateChain, OfARootAloneIsRefused) {
    const Authority root = Authority::root();
    const std::vector<const Certificate*> chain{&root.certificate()};

    EXPECT_FALSE(verify_chain(chain, {root.certificate().fingerprint()}, kNow));
    EXPECT_FALSE(verify_chain({}, {root.certificate().fingerprint()}, kNow));
}

TEST(CertificateChain, IsFoundInAPoolOfAnyOrder) {
    const Authority root = Authority::root();
    const Authority middle = root.issue({});
    const Authority leaf = middle.issue(a_leaf());
    CertificateList pool;
    pool.push_back(Certificate::parse(root.certificate().der()).value());
    pool.push_back(Certificate::parse(middle.certificate().der()).value());

    EXPECT_TRUE(find_chain(leaf.certificate(), pool, {root.certificate().fingerprint()}, kNow));

    pool.pop_back();
    EXPECT_FALSE(find_chain(leaf.certificate(), pool, {root.certificate().fingerprint()}, kNow));
}

TEST(CertificateChain, OfIssuersThatNameEachOtherEnds) {
    const Authority a = Authority::root({.subject = "A"});
    const Authority b = a.issue({.subject = "B"});
    const Authority c = b.issue({.subject = "A"});
    CertificateList pool;
    pool.push_back(Certificate::parse(b.certificate().der()).value());
    pool.push_back(Certificate::parse(c.certificate().der()).value());

    EXPECT_FALSE(find_chain(c.certificate(), pool, {a.certificate().fingerprint()}, kNow));
}

TEST(Certificate, WithBytesAfterItOrMissingIsRefused) {
    const Authority root = Authority::root();
    Bytes der{root.certificate().der().begin(), root.certificate().der().end()};
    for (std::size_t size = 0; size < der.size(); ++size) {
        EXPECT_FALSE(Certificate::parse(ByteView{der}.first(size))) << size;
    }
    der.push_back(0);
    EXPECT_FALSE(Certificate::parse(der));
}

TEST(RevocationList, NamesWhatItsIssuerRevoked) {
    const Authority root = Authority::root();
    CertificateSpec spec = a_leaf();
    spec.serial = 7;
    const Authority revoked = root.issue(spec);
    spec.serial = 8;
    const Authority kept = root.issue(spec);

    const RevocationList list = RevocationList::parse(root.revoke({5, 7})).value();

    EXPECT_TRUE(list.verify(root.certificate(), kNow));
    EXPECT_TRUE(list.covers(revoked.certificate()));
    EXPECT_TRUE(list.is_revoked(revoked.certificate()));
    EXPECT_FALSE(list.is_revoked(kept.certificate()));
}

TEST(RevocationList, OfAnotherSignerOrOutOfDateIsRefused) {
    const Authority root = Authority::root();
    const Authority impostor = Authority::root();
    const Authority stranger = Authority::root({.subject = "Stranger"});

    EXPECT_EQ(reason(RevocationList::parse(impostor.revoke({})).value().verify(root.certificate(), kNow)),
              "revocation list: the signature does not verify");
    EXPECT_EQ(reason(RevocationList::parse(stranger.revoke({})).value().verify(root.certificate(), kNow)),
              "revocation list: of another issuer");
    EXPECT_EQ(reason(RevocationList::parse(root.revoke({}, 1'700'000'000)).value().verify(root.certificate(), kNow)),
              "revocation list: not current");
}

}  // namespace
}  // namespace vcity::attest
