# SPDX-License-Identifier: Apache-2.0
# What a user can switch, and the settings that hold for every target.
option(R1_BUILD_TESTS "Build the tests" ON)
option(R1_BUILD_BENCH "Build the benchmarks" OFF)
option(R1_WERROR "Treat warnings in our code as errors" ON)
option(R1_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

# An nvcc that is there but compiles nothing counts as none. Asked once, and not when R1_CUDA is given.
set(r1_cuda_default OFF)
if(NOT DEFINED R1_CUDA)
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        set(r1_cuda_default ON)
    endif()
endif()
option(R1_CUDA "Build the CUDA parts (on where nvcc is found)" ${r1_cuda_default})

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

find_program(R1_CCACHE ccache)
if(R1_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${R1_CCACHE})
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${R1_CCACHE})
endif()

if(R1_CUDA)
    if(NOT CMAKE_CUDA_ARCHITECTURES)
        set(CMAKE_CUDA_ARCHITECTURES 80 90)
    endif()
    enable_language(CUDA)
    # CMake 3.25.1, which Debian 12 has, does not know that nvcc speaks C++20.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    endif()
    # nvcc's own list lacks /usr/include; given as -isystem it would hide the compiler's math.h.
    list(APPEND CMAKE_CUDA_IMPLICIT_INCLUDE_DIRECTORIES ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    set(CMAKE_CUDA_EXTENSIONS OFF)
    find_package(CUDAToolkit REQUIRED)
endif()

add_library(r1_warnings INTERFACE)
target_compile_options(r1_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion
      $<$<BOOL:${R1_WERROR}>:-Werror>>
    # GCC 12 reports std::string operator+ falsely (GCC bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>>)
target_compile_options(r1_warnings INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>)
target_compile_options(r1_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>)
if(R1_SANITIZE)
    target_compile_options(r1_warnings INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined -fno-omit-frame-pointer
          -fno-sanitize-recover=undefined
          # GCC 12 reports std::regex falsely when it is instrumented (GCC bug 105562).
          -Wno-maybe-uninitialized>)
    target_link_options(r1_warnings INTERFACE -fsanitize=address,undefined)
endif()
