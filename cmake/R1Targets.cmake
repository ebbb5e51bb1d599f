# SPDX-License-Identifier: Apache-2.0
# r1_add_library(NAME SOURCES… LINK PUBLIC… PRIVATE…): one library a folder, with our warnings and includes.
function(r1_add_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE r1_warnings ${ARG_PRIVATE})
endfunction()

# r1_add_cuda_kernels(SOURCES…): .cu files that hold kernels, for both GPUs, the real and the emulated one.
function(r1_add_cuda_kernels)
    if(R1_CUDA)
        r1_add_library(r1_cuda_kernels SOURCES ${ARGN} PUBLIC r1_kernels CUDA::cudart_static CUDA::cublasLt)
        target_compile_options(r1_cuda_kernels PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-O3 -lineinfo>)
    endif()
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    set_property(GLOBAL PROPERTY R1_CUDA_KERNEL_SOURCES ${ARGN})
endfunction()

if(R1_BUILD_TESTS)
    include(GoogleTest)
endif()

# r1_add_test(NAME SOURCES… LINK… [RANKS 1 2 4] [LABEL unit|slurm|gpu] [TIMEOUT 60]): one GoogleTest
# program and one ctest. With RANKS it brings its own main, which starts MPI, and runs under mpirun once
# for each number of ranks, labelled mpi unless LABEL is gpu. With LABEL gpu and without RANKS each TEST is a
# ctest of its own, so that those which skip for want of a GPU are counted as skipped and do not hide the
# others.
function(r1_add_test name)
    cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK;RANKS" ${ARGN})
    if(NOT ARG_LABEL)
        set(ARG_LABEL unit)
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 60)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest r1_warnings)
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "r1_add_test(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    if(ARG_RANKS)
        if(ARG_LABEL STREQUAL "gpu")
            set_property(GLOBAL APPEND PROPERTY R1_GPU_TESTS ${name})
        endif()
        foreach(ranks IN LISTS ARG_RANKS)
            add_test(NAME ${name}.np${ranks}
                COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none -np ${ranks} $<TARGET_FILE:${name}>)
            set_tests_properties(${name}.np${ranks} PROPERTIES LABELS mpi TIMEOUT ${ARG_TIMEOUT} PROCESSORS 2
                ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMP_NUM_THREADS=1")
            if(ARG_LABEL STREQUAL "gpu")
                set_tests_properties(${name}.np${ranks} PROPERTIES LABELS gpu RESOURCE_LOCK gpu
                    SKIP_REGULAR_EXPRESSION "no GPU;no NCCL")
            endif()
        endforeach()
    elseif(ARG_LABEL STREQUAL "gpu")
        set_property(GLOBAL APPEND PROPERTY R1_GPU_TESTS ${name})
        target_link_libraries(${name} PRIVATE GTest::gtest_main)
        gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
            DISCOVERY_TIMEOUT 120  # the first load of cuBLASLt reads 500 MB
            PROPERTIES LABELS gpu TIMEOUT ${ARG_TIMEOUT} RESOURCE_LOCK gpu)
    else()
        target_link_libraries(${name} PRIVATE GTest::gtest_main)
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
    endif()
endfunction()

# r1_add_kernel_test(NAME SOURCES…): one program on the emulated GPU, labelled unit, and with CUDA the same
# on a real one: NAME_gpu, labelled gpu.
function(r1_add_kernel_test name)
    r1_add_test(${name} SOURCES ${ARGN} emulated_gpu_test.cpp LINK r1_emulated_kernels r1_kernels)
    if(R1_CUDA)
        r1_add_test(${name}_gpu SOURCES ${ARGN} real_gpu_test.cpp LINK r1_cuda_kernels r1_kernels LABEL gpu)
    endif()
endfunction()
