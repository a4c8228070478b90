# Every outside library is found here and linked only by the room that owns it (see docs/architecture.md).
find_package(fmt REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(libedit IMPORTED_TARGET libedit)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
if(JADE_TESTS)
  find_package(GTest REQUIRED)
endif()

# LLVM 19, as one shared library: its own package files would ask for libraries that need not be installed.
if(JADE_JIT)
  find_program(JADE_LLVM_CONFIG NAMES llvm-config-19 llvm-config HINTS $ENV{LLVM_DIR}/bin /usr/lib/llvm-19/bin)
  if(NOT JADE_LLVM_CONFIG)
    message(FATAL_ERROR "LLVM 19 is missing: run scripts/setup.sh, or configure with -DJADE_JIT=OFF to build without "
                        "compiled code.")
  endif()
  execute_process(COMMAND ${JADE_LLVM_CONFIG} --version OUTPUT_VARIABLE llvm_version OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT llvm_version MATCHES "^19\\.")
    message(FATAL_ERROR "JADE needs LLVM 19, ${JADE_LLVM_CONFIG} is version ${llvm_version}: install llvm-19-dev, or "
                        "configure with -DJADE_JIT=OFF.")
  endif()
  execute_process(COMMAND ${JADE_LLVM_CONFIG} --includedir OUTPUT_VARIABLE llvm_include OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${JADE_LLVM_CONFIG} --link-shared --libfiles OUTPUT_VARIABLE llvm_library
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  add_library(jade_llvm INTERFACE)
  target_include_directories(jade_llvm SYSTEM INTERFACE ${llvm_include})
  target_link_libraries(jade_llvm INTERFACE ${llvm_library})
endif()

# LibTorch. Debian's CMake files name targets of packages that need not be installed, so the library is taken by path.
if(JADE_BACKBONE)
  find_path(JADE_TORCH_INCLUDE torch/torch.h
            HINTS $ENV{LIBTORCH}/include/torch/csrc/api/include ${CMAKE_PREFIX_PATH}
            PATHS /usr/include/torch/csrc/api/include)
  find_library(JADE_TORCH_LIB torch HINTS $ENV{LIBTORCH}/lib)
  find_library(JADE_TORCH_CPU_LIB torch_cpu HINTS $ENV{LIBTORCH}/lib)
  find_library(JADE_C10_LIB c10 HINTS $ENV{LIBTORCH}/lib)
  if(NOT JADE_TORCH_INCLUDE OR NOT JADE_TORCH_LIB OR NOT JADE_TORCH_CPU_LIB OR NOT JADE_C10_LIB)
    message(FATAL_ERROR "LibTorch is missing: run scripts/setup.sh, or configure with -DJADE_BACKBONE=OFF to build the "
                        "compiler without a backbone.")
  endif()
  add_library(jade_torch INTERFACE)
  get_filename_component(torch_root "${JADE_TORCH_INCLUDE}/../../../.." ABSOLUTE)
  # A LibTorch from a wheel has fmt's headers beside its own, of another version than the library we link.
  get_target_property(fmt_root fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT torch_root STREQUAL fmt_root)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/first)
    file(CREATE_LINK ${fmt_root}/fmt ${PROJECT_BINARY_DIR}/first/fmt SYMBOLIC)
    target_include_directories(jade_torch SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/first)
  endif()
  target_include_directories(jade_torch SYSTEM INTERFACE ${torch_root} ${JADE_TORCH_INCLUDE})
  # libstdc++ first: LibTorch of a wheel exports parts of std::filesystem (remove_all) that crash when they are called.
  target_link_libraries(jade_torch INTERFACE stdc++ ${JADE_TORCH_LIB} ${JADE_TORCH_CPU_LIB} ${JADE_C10_LIB})
  # Nothing refers to the CUDA part by name: it registers its operators when it is loaded.
  find_library(JADE_TORCH_CUDA_LIB torch_cuda HINTS $ENV{LIBTORCH}/lib)
  if(JADE_TORCH_CUDA_LIB)
    target_link_libraries(jade_torch INTERFACE "-Wl,--push-state,--no-as-needed,${JADE_TORCH_CUDA_LIB},--pop-state"
                                               "-Wl,--allow-shlib-undefined")
  endif()
  # Process groups need the headers of what carries them. Gloo's must be those LibTorch was built with, so only the ones
  # beside LibTorch's own count.
  set(JADE_TORCH_GROUPS "")
  find_path(JADE_GLOO_INCLUDE gloo/context.h PATHS ${torch_root} NO_DEFAULT_PATH)
  if(JADE_GLOO_INCLUDE)
    list(APPEND JADE_TORCH_GROUPS JADE_HAS_GLOO)
  else()
    message(STATUS "Gloo's headers (Debian: libgloo-dev) are missing: training is for one process")
  endif()
  set(JADE_NCCL_INCLUDES "")  # NCCL's process groups include CUDA's own headers
  find_path(JADE_NCCL_INCLUDE nccl.h HINTS ${torch_root})
  find_path(JADE_CUDA_INCLUDE cuda.h HINTS ${torch_root} $ENV{CUDA_HOME}/include /usr/local/cuda/include)
  if(JADE_TORCH_CUDA_LIB AND JADE_NCCL_INCLUDE AND JADE_CUDA_INCLUDE)
    list(APPEND JADE_TORCH_GROUPS JADE_HAS_NCCL)
    set(JADE_NCCL_INCLUDES ${JADE_NCCL_INCLUDE} ${JADE_CUDA_INCLUDE})
  endif()
  find_package(OpenMP)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(jade_torch INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()

# FAISS, a static library on BLAS, LAPACK and OpenMP: the same shared ones as LibTorch's.
if(JADE_FAISS)
  find_package(OpenMP REQUIRED)
  find_package(faiss CONFIG QUIET)
  if(NOT TARGET faiss)
    message(FATAL_ERROR "FAISS is missing: run scripts/setup.sh, or configure with -DJADE_FAISS=OFF to build without "
                        "dense retrieval.")
  endif()
endif()
