// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/model_config.hpp"

#include "base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)vcity::checkpoint::parse_model_config(vcity::as_text({data, size}));
    return 0;
}
