# SPDX-License-Identifier: Apache-2.0
# vcity_module(<name> LAYER <n> [DEPS <modules>...] [USES <third-party targets>...] [TEST_DEPS ...] [TEST_USES ...])
#
# Declares the static library of the current folder and its unit tests (<name>_test, from the *_test.cpp files beside
# the code). A module may depend only on modules of a lower layer, so cycles cannot be written. The test binary links
# the module, its DEPS and TEST_DEPS and nothing else: an undeclared dependency fails to link.
#
# Every x_fuzz.cpp becomes a unit test that replays the corpus folder x_fuzz_corpus/, and with VCITY_FUZZ a libFuzzer
# program x_fuzz.
include(GoogleTest)

function(vcity_check_layers NAME LAYER)
    foreach(DEP IN LISTS ARGN)
        get_property(DEP_LAYER GLOBAL PROPERTY VCITY_LAYER_${DEP})
        if("${DEP_LAYER}" STREQUAL "")
            message(FATAL_ERROR "${NAME} depends on ${DEP}, which is not declared before it")
        elseif(NOT DEP_LAYER LESS LAYER)
            message(FATAL_ERROR "${NAME} (layer ${LAYER}) may not depend on ${DEP} (layer ${DEP_LAYER})")
        endif()
    endforeach()
endfunction()

function(vcity_fuzz_target NAME MODULE SOURCE)
    get_filename_component(STEM ${SOURCE} NAME_WE)
    get_filename_component(FOLDER ${SOURCE} DIRECTORY)
    if(VCITY_FUZZ)
        add_executable(${STEM} ${SOURCE})
        target_link_libraries(${STEM} PRIVATE vcity_${MODULE} vcity_options)
        target_compile_options(${STEM} PRIVATE -fsanitize=fuzzer)
        target_link_options(${STEM} PRIVATE -fsanitize=fuzzer)
        set_property(GLOBAL APPEND PROPERTY VCITY_FUZZERS ${STEM})
    else()
        add_executable(${STEM}_replay ${SOURCE} ${CMAKE_SOURCE_DIR}/cmake/fuzz_replay.cpp)
        target_link_libraries(${STEM}_replay PRIVATE vcity_${MODULE} vcity_options)
        add_test(NAME ${STEM}.Corpus COMMAND ${STEM}_replay ${FOLDER}/${STEM}_corpus)
        set_tests_properties(${STEM}.Corpus PROPERTIES LABELS "${MODULE}")
    endif()
endfunction()

function(vcity_module NAME)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "LAYER" "DEPS;USES;TEST_DEPS;TEST_USES")
    if(NOT DEFINED ARG_LAYER)
        message(FATAL_ERROR "vcity_module(${NAME}): LAYER is missing")
    endif()
    vcity_check_layers(${NAME} ${ARG_LAYER} ${ARG_DEPS})
    set_property(GLOBAL PROPERTY VCITY_LAYER_${NAME} ${ARG_LAYER})
    list(TRANSFORM ARG_DEPS PREPEND vcity_ OUTPUT_VARIABLE DEP_TARGETS)
    list(TRANSFORM ARG_TEST_DEPS PREPEND vcity_ OUTPUT_VARIABLE TEST_DEP_TARGETS)

    file(GLOB_RECURSE SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
    set(TESTS ${SOURCES})
    list(FILTER TESTS INCLUDE REGEX "_test\\.cpp$")
    set(FUZZERS ${SOURCES})
    list(FILTER FUZZERS INCLUDE REGEX "_fuzz\\.cpp$")
    list(FILTER SOURCES EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")

    add_library(vcity_${NAME} STATIC ${SOURCES})
    set_target_properties(vcity_${NAME} PROPERTIES LINKER_LANGUAGE CXX)
    target_include_directories(vcity_${NAME} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(vcity_${NAME} PUBLIC ${DEP_TARGETS} ${ARG_USES} PRIVATE vcity_options)

    # Threads exist in these folders alone (tools/lint/banned.py), so the thread sanitizer has nothing to say elsewhere.
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE FOLDER)
    if(VCITY_SANITIZE MATCHES "thread" AND NOT FOLDER MATCHES "^src/(async|adapters/)")
        set_target_properties(vcity_${NAME} PROPERTIES EXCLUDE_FROM_ALL ON)
        return()
    endif()

    if(TESTS)
        add_executable(${NAME}_test ${TESTS})
        target_link_libraries(${NAME}_test PRIVATE vcity_${NAME} vcity_options ${TEST_DEP_TARGETS} ${ARG_TEST_USES}
            GTest::gtest_main)
        target_compile_definitions(${NAME}_test PRIVATE VCITY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        gtest_discover_tests(${NAME}_test PROPERTIES LABELS ${NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
    endif()
    foreach(FUZZER IN LISTS FUZZERS)
        vcity_fuzz_target(${NAME} ${NAME} ${FUZZER})
    endforeach()
endfunction()
