// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)vcity::checkpoint::parse_safetensors({data, size});
    (void)vcity::checkpoint::parse_shard_index(vcity::as_text({data, size}));
    return 0;
}
