# SPDX-License-Identifier: Apache-2.0
# With VCITY_PCH the standard headers, and those of GoogleTest for tests, are read once instead of in each of a thousand
# files: about a third less to compile. A release build leaves it out, so a file that lacks an #include is found there.
set(VCITY_STANDARD_HEADERS
    <algorithm> <array> <bit> <charconv> <chrono> <compare> <concepts> <coroutine> <cstdint> <cstring> <deque>
    <functional> <map> <memory> <optional> <queue> <ranges> <set> <span> <sstream> <string> <string_view>
    <unordered_map> <unordered_set> <utility> <variant> <vector> <fmt/format.h>)

function(vcity_precompiled NAME)
    add_library(${NAME} OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp)
    target_link_libraries(${NAME} PRIVATE vcity_options fmt::fmt)
    target_precompile_headers(${NAME} PRIVATE ${VCITY_STANDARD_HEADERS} ${ARGN})
    # Without a time in it, the same headers give the same bytes, which ccache needs.
    target_compile_options(${NAME} PRIVATE $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endfunction()

# Gives every C++ target of DIRECTORY and below the headers; call it when all are declared.
function(vcity_use_precompiled DIRECTORY)
    get_property(TARGETS DIRECTORY ${DIRECTORY} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(TARGET IN LISTS TARGETS)
        get_target_property(TYPE ${TARGET} TYPE)
        get_target_property(LINKED ${TARGET} LINK_LIBRARIES)
        if(NOT TYPE MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$" OR NOT LINKED MATCHES "vcity_options")
            continue()
        endif()
        if(LINKED MATCHES "GTest::")
            target_precompile_headers(${TARGET} REUSE_FROM vcity_test_headers)
        else()
            target_precompile_headers(${TARGET} REUSE_FROM vcity_headers)
        endif()
    endforeach()
    get_property(FOLDERS DIRECTORY ${DIRECTORY} PROPERTY SUBDIRECTORIES)
    foreach(FOLDER IN LISTS FOLDERS)
        vcity_use_precompiled(${FOLDER})
    endforeach()
endfunction()
