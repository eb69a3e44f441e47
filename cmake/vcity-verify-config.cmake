# SPDX-License-Identifier: Apache-2.0
# find_package(vcity-verify) gives the target vcity::verify: the verification library alone, without the network.
include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(OpenSSL 3)
find_dependency(PkgConfig)
pkg_check_modules(VCITY_VERIFY_SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1)
pkg_check_modules(VCITY_VERIFY_CRYPTOPP REQUIRED IMPORTED_TARGET libcrypto++)

get_filename_component(VCITY_VERIFY_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
# In the order that a linker of static libraries needs.
set(VCITY_VERIFY_BELOW fmt::fmt)
foreach(PART base codec crypto model verify)
    if(NOT TARGET vcity::${PART})
        add_library(vcity::${PART} STATIC IMPORTED)
        set_target_properties(vcity::${PART} PROPERTIES
            IMPORTED_LOCATION "${VCITY_VERIFY_PREFIX}/lib/vcity/libvcity_${PART}.a"
            INTERFACE_INCLUDE_DIRECTORIES "${VCITY_VERIFY_PREFIX}/include/vcity"
            INTERFACE_COMPILE_FEATURES cxx_std_20
            INTERFACE_LINK_LIBRARIES "${VCITY_VERIFY_BELOW}")
    endif()
    set(VCITY_VERIFY_BELOW "vcity::${PART};${VCITY_VERIFY_BELOW}")
    if(PART STREQUAL "codec")
        list(APPEND VCITY_VERIFY_BELOW OpenSSL::Crypto PkgConfig::VCITY_VERIFY_SECP256K1
            PkgConfig::VCITY_VERIFY_CRYPTOPP)
    endif()
endforeach()
