# SPDX-License-Identifier: Apache-2.0
# Installs the COMPONENT, then configures, builds and runs the program of SOURCE against the installed files alone. With
# BUILD_ONLY it is not run.
function(step)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE CODE OUTPUT_VARIABLE OUTPUT ERROR_VARIABLE OUTPUT)
    if(NOT CODE EQUAL 0)
        message(FATAL_ERROR "${ARGN}: ${CODE}\n${OUTPUT}")
    endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
step(${CMAKE_COMMAND} --install ${BUILD} --component ${COMPONENT} --prefix ${WORK}/installed)
step(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_PREFIX_PATH=${WORK}/installed)
step(${CMAKE_COMMAND} --build ${WORK}/build)
if(NOT BUILD_ONLY)
    step(${WORK}/build/consumer)
endif()
