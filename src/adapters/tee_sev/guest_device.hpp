// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vcity::adapters {

// The driver's interface (uapi/linux/sev-guest.h), in our own words so that it builds with any kernel headers.
struct SnpReportRequest {
    std::array<std::uint8_t, 64> user_data{};
    std::uint32_t vmpl = 0;
    std::array<std::uint8_t, 28> reserved{};
};
static_assert(sizeof(SnpReportRequest) == 96);

struct SnpExtendedRequest {
    SnpReportRequest data;
    std::uint64_t certificates = 0;  // address; a multiple of the page size long
    std::uint32_t certificates_size = 0;
    std::uint32_t padding = 0;
};
static_assert(sizeof(SnpExtendedRequest) == 112);

struct SnpGuestRequest {
    std::uint8_t version = 1;
    std::array<std::uint8_t, 7> padding{};
    std::uint64_t request = 0;   // address of an SnpExtendedRequest
    std::uint64_t response = 0;  // address of kSnpResponseBytes
    std::uint64_t exit_info = 0;
};
static_assert(sizeof(SnpGuestRequest) == 32);

// _IOWR('S', 2, SnpGuestRequest)
inline constexpr unsigned long kSnpGetExtendedReport = 0xc0205302;
// MSG_REPORT_RSP: u32 status, u32 size, 24 reserved bytes, the report.
inline constexpr std::size_t kSnpResponseBytes = 4000;
inline constexpr std::size_t kSnpResponseHead = 32;
inline constexpr std::size_t kSnpCertificatesMax = 0x4000;  // SEV_FW_BLOB_MAX_SIZE

}  // namespace vcity::adapters
