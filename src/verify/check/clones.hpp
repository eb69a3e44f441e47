// SPDX-License-Identifier: Apache-2.0
#pragma once

// A function whose loops are compiled twice, for processors with AVX2 and for any; the dynamic linker chooses when the
// program starts, which sanitizers do not allow.
#if defined(__x86_64__) && defined(__clang__) && !defined(VCITY_PLAIN_LOOPS)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer)
#define VCITY_VECTOR_CLONES __attribute__((target_clones("arch=haswell", "default")))
#endif
#endif
#ifndef VCITY_VECTOR_CLONES
#define VCITY_VECTOR_CLONES
#endif
