# SPDX-License-Identifier: Apache-2.0
# Every dependency, once, with the reason for it. All are Debian 12 packages (see scripts/packages.txt).
find_package(CLI11 REQUIRED)          # the command line of r1ctl
find_package(spdlog REQUIRED)         # the log of both programs
find_package(yaml-cpp REQUIRED)       # reads recipes (its event parser only)
find_package(nlohmann_json REQUIRED)  # run records, metrics and manifests
find_package(SQLite3 REQUIRED)        # the index that makes bills of many runs quick
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)     # carries the ranks
find_package(HDF5 REQUIRED COMPONENTS C)    # the format of checkpoints
find_package(OpenMP REQUIRED COMPONENTS CXX)  # threads of one rank on the CPU
if(R1_BUILD_TESTS)
    find_package(GTest REQUIRED)
endif()

# NCCL moves tensors between GPUs. Its header is in CUDA's folders or the system's; the library is loaded by
# the program when it needs it, first as libnccl.so.2 and then from where it was found here.
set(r1_nccl_default OFF)
if(R1_CUDA)
    find_path(R1_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_library(R1_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_ROOT}/lib)
    if(R1_NCCL_INCLUDE AND R1_NCCL_LIBRARY)
        set(r1_nccl_default ON)
    endif()
endif()
option(R1_NCCL "Build the communication between GPUs (on where CUDA and NCCL are found)" ${r1_nccl_default})
if(R1_NCCL)
    add_library(r1_nccl INTERFACE)
    target_include_directories(r1_nccl SYSTEM INTERFACE ${R1_NCCL_INCLUDE})
    target_compile_definitions(r1_nccl INTERFACE R1_NCCL_LIBRARY="${R1_NCCL_LIBRARY}")
    target_link_libraries(r1_nccl INTERFACE CUDA::cudart_static ${CMAKE_DL_LIBS})
endif()

# Open MPI 4's C++ bindings are deprecated and do not compile without warnings.
add_library(r1_mpi INTERFACE)
target_link_libraries(r1_mpi INTERFACE MPI::MPI_C)
target_compile_definitions(r1_mpi INTERFACE OMPI_SKIP_MPICXX)

# xxHash proves the bytes of a checkpoint.
find_path(R1_XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(R1_XXHASH_LIBRARY xxhash REQUIRED)
add_library(r1_xxhash INTERFACE)
target_include_directories(r1_xxhash SYSTEM INTERFACE ${R1_XXHASH_INCLUDE})
target_link_libraries(r1_xxhash INTERFACE ${R1_XXHASH_LIBRARY})
