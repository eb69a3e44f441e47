# SPDX-License-Identifier: Apache-2.0
set(VCITY_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
option(VCITY_FUZZ "Build the libFuzzer programs" OFF)
option(VCITY_DEVELOPMENT_TEE "Let policies accept simulated attestation evidence: for development networks only" OFF)
option(VCITY_PCH "Precompiled headers: for builds of everything" OFF)
option(VCITY_LTO "Link-time optimisation" OFF)

add_library(vcity_options INTERFACE)
target_compile_options(vcity_options INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wextra-semi>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-restrict -Wno-dangling-else>)
add_compile_options(-fstack-protector-strong)
if(VCITY_SANITIZE)
    add_compile_options(-fsanitize=${VCITY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${VCITY_SANITIZE})
endif()
if(VCITY_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(VCITY_LTO)
    add_compile_options(-flto=thin)
    add_link_options(-flto=thin)
endif()
find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
    if(VCITY_PCH)
        # Precompiled headers hide macros and times from it, which the headers precompiled here do not depend on.
        set(CMAKE_CXX_COMPILER_LAUNCHER
            ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
    endif()
endif()
