# SPDX-License-Identifier: Apache-2.0
# find_package(vcity-client) gives the target vcity::client: one header, and archives of what stands behind it.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(fmt)
find_dependency(OpenSSL 3)
find_dependency(PkgConfig)
pkg_check_modules(VCITY_CLIENT_SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1)
pkg_check_modules(VCITY_CLIENT_CRYPTOPP REQUIRED IMPORTED_TARGET libcrypto++)

get_filename_component(VCITY_CLIENT_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET vcity::client)
    add_library(vcity::client STATIC IMPORTED)
    # In the order that a linker of static libraries needs: who uses before what is used.
    set(VCITY_CLIENT_BELOW)
    foreach(PART http runtime_asio ports market attest model crypto telemetry async codec base)
        list(APPEND VCITY_CLIENT_BELOW "${VCITY_CLIENT_PREFIX}/lib/vcity/libvcity_${PART}.a")
    endforeach()
    set_target_properties(vcity::client PROPERTIES
        IMPORTED_LOCATION "${VCITY_CLIENT_PREFIX}/lib/vcity/libvcity_client.a"
        INTERFACE_INCLUDE_DIRECTORIES "${VCITY_CLIENT_PREFIX}/include/vcity-client"
        INTERFACE_COMPILE_FEATURES cxx_std_20
        INTERFACE_LINK_LIBRARIES "${VCITY_CLIENT_BELOW};fmt::fmt;OpenSSL::SSL;OpenSSL::Crypto;PkgConfig::VCITY_CLIENT_SECP256K1;PkgConfig::VCITY_CLIENT_CRYPTOPP;Threads::Threads")
endif()
